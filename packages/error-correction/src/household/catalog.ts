// What there is in the house: four rooms, their furniture, and the items that lie about. One word names one thing; properties decide what can be done with it.

export const ROOMS = ['kitchen', 'bathroom', 'bedroom', 'lounge'] as const;
export type Room = (typeof ROOMS)[number];

export interface Furniture {
  readonly room: Room;
  /** Things can be put on it. */
  readonly isSurface?: true;
  /** Things can be put in it. */
  readonly isContainer?: true;
  /** Has a door that opens and closes; only containers do. */
  readonly isOpenable?: true;
  readonly isSwitchable?: true;
  /** Can be switched on only while its door is closed, and opened only while it is off. */
  readonly runsClosed?: true;
  readonly isSittable?: true;
  readonly isLieable?: true;
  /** Stands at this other piece: whoever is there is near both. */
  readonly partOf?: string;
}

export const FURNITURE: Readonly<Record<string, Furniture>> = {
  fridge: { room: 'kitchen', isContainer: true, isOpenable: true },
  cupboard: { room: 'kitchen', isContainer: true, isOpenable: true },
  counter: { room: 'kitchen', isSurface: true },
  table: { room: 'kitchen', isSurface: true },
  chair: { room: 'kitchen', isSittable: true },
  sink: { room: 'kitchen', isContainer: true },
  faucet: { room: 'kitchen', isSwitchable: true, partOf: 'sink' },
  stove: { room: 'kitchen', isSurface: true, isSwitchable: true },
  microwave: { room: 'kitchen', isContainer: true, isOpenable: true, isSwitchable: true, runsClosed: true },
  dishwasher: { room: 'kitchen', isContainer: true, isOpenable: true, isSwitchable: true, runsClosed: true },
  cabinet: { room: 'bathroom', isContainer: true, isOpenable: true },
  shelf: { room: 'bathroom', isSurface: true },
  basket: { room: 'bathroom', isContainer: true },
  washer: { room: 'bathroom', isContainer: true, isOpenable: true, isSwitchable: true, runsClosed: true },
  wardrobe: { room: 'bedroom', isContainer: true, isOpenable: true },
  drawer: { room: 'bedroom', isContainer: true, isOpenable: true },
  desk: { room: 'bedroom', isSurface: true },
  bed: { room: 'bedroom', isSurface: true, isSittable: true, isLieable: true },
  lamp: { room: 'bedroom', isSwitchable: true },
  computer: { room: 'bedroom', isSwitchable: true },
  stand: { room: 'lounge', isSurface: true },
  sofa: { room: 'lounge', isSurface: true, isSittable: true },
  chest: { room: 'lounge', isContainer: true, isOpenable: true },
  tv: { room: 'lounge', isSwitchable: true },
  radio: { room: 'lounge', isSwitchable: true },
};

/** How an item comes to be hot: by being in or on this piece while it is switched on. Clean, in machines, likewise. */
export interface Item {
  /** Where it may be at first: `in fridge`, `on counter`. */
  readonly places: readonly string[];
  readonly isEdible?: true;
  readonly isDrinkable?: true;
  readonly isFillable?: true;
  readonly isReadable?: true;
  /** Washed by hand at the sink, and in the dishwasher if it is a dish. */
  readonly isWashable?: true;
  readonly isDish?: true;
  /** Washed in the washer. */
  readonly isCloth?: true;
  readonly heatedBy?: 'microwave' | 'stove';
}

export const ITEMS: Readonly<Record<string, Item>> = {
  apple: { places: ['in fridge', 'on counter', 'on table'], isEdible: true, isWashable: true },
  bread: { places: ['in cupboard', 'on counter', 'on table'], isEdible: true, heatedBy: 'microwave' },
  milk: { places: ['in fridge', 'on counter', 'on table'], isDrinkable: true, heatedBy: 'microwave' },
  soup: { places: ['in fridge', 'on counter', 'in cupboard'], isEdible: true, heatedBy: 'microwave' },
  cup: {
    places: ['in cupboard', 'on table', 'in sink', 'on desk'],
    isFillable: true,
    isWashable: true,
    isDish: true,
  },
  plate: { places: ['in cupboard', 'on counter', 'in sink', 'on stand'], isWashable: true, isDish: true },
  pot: {
    places: ['in cupboard', 'on counter', 'in sink'],
    isFillable: true,
    isWashable: true,
    isDish: true,
    heatedBy: 'stove',
  },
  spoon: { places: ['in cupboard', 'on table', 'in sink', 'on stand'], isWashable: true, isDish: true },
  shirt: { places: ['in wardrobe', 'in basket', 'on bed'], isCloth: true },
  towel: { places: ['in cabinet', 'in basket', 'on shelf'], isCloth: true },
  sock: { places: ['in drawer', 'in basket', 'on bed'], isCloth: true },
  book: { places: ['on desk', 'on stand', 'in drawer', 'in chest'], isReadable: true },
  newspaper: { places: ['on table', 'on stand', 'on sofa'], isReadable: true },
  letter: { places: ['on desk', 'in drawer', 'on counter'], isReadable: true },
  phone: { places: ['on desk', 'on stand', 'on bed', 'on counter'] },
  soap: { places: ['in cabinet', 'on shelf'] },
  toy: { places: ['in chest', 'on sofa', 'on bed'] },
  rag: { places: ['in cabinet', 'on shelf', 'on counter'] },
};

/** The first surface of each room: where something is put down that is in the way. */
export const PUT_DOWN_AT: Readonly<Record<Room, string>> = {
  kitchen: 'counter',
  bathroom: 'shelf',
  bedroom: 'desk',
  lounge: 'stand',
};

export const isRoom = (word: string): word is Room => (ROOMS as readonly string[]).includes(word);
export const isFurniture = (word: string): boolean => Object.hasOwn(FURNITURE, word);
export const isItem = (word: string): boolean => Object.hasOwn(ITEMS, word);

/** All names of rooms, furniture and items. */
export const OBJECT_NAMES: readonly string[] = [...ROOMS, ...Object.keys(FURNITURE), ...Object.keys(ITEMS)];

/** Names of the furniture of a room. */
export function furnitureOf(room: Room): readonly string[] {
  return Object.keys(FURNITURE).filter((name) => FURNITURE[name]!.room === room);
}
