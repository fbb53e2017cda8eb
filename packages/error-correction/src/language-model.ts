// Entry @moe-rl/error-correction/language-model: a language model server that plays all three roles.
export { createLanguageModelRoles, type LanguageModelConfig } from './language-model/roles.ts';
export { ModelServerError } from './language-model/server-error.ts';
