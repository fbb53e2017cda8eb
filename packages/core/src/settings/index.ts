// Settings that can't say nonsense: described once, checked by path, with alternatives by type.
export { describeSettings, type SettingEntry } from './describe.ts';
export { type JsonSchema, settingsJsonSchema } from './json-schema.ts';
export { defaultSettings, resolveSettings, type SettingChanges, type SettingOverrides } from './resolve.ts';
export {
  type Applicability,
  type BooleanSetting,
  type ChoiceSetting,
  describeApplicability,
  doesApply,
  type FieldSetting,
  type GroupSetting,
  type NumberSetting,
  type NumbersSetting,
  readSetting,
  type Setting,
  type SettingCondition,
  type SettingsTree,
  type SettingValue,
  setting,
  type TextSetting,
  type UnionSetting,
  type UnionVariant,
} from './schema.ts';
export { requireDescribed, validateField, validateSettings } from './validate.ts';
