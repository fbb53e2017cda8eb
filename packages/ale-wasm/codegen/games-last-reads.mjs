// Which byte of the console ALE's rules read last in every frame, for the games whose table of rules does not end with it. It stays on the bus, where
// code notices that runs in the TIA's addresses when a frame of a reset ends. Found out by programs that do: see scripts/last-read-programs.mjs.
const ram = (address) => ({ ram: address });
const equals = (address, value) => ({ '==': [ram(address), value] });
const when = (condition, then, otherwise) => ({ if: [condition, then, otherwise] });

export const LAST_READS = {
  atlantis2: when({ let: 'v0' }, ram('0xF1'), ram('0xA3')),
  blackjack: when({ let: 'v0' }, ram('0x89'), ram('0x86')),
  boxing: when({ or: [{ '==': [{ let: 'v0' }, 100] }, { '==': [{ let: 'v1' }, 100] }] }, ram('0x93'), ram('0x91')),
  donkey_kong: when(equals('0xA3', 0), when(equals('0x8F', 3), ram('0x8B'), ram('0x8F')), ram('0xA3')),
  krull: ram('0x80'),
  montezuma_revenge: ram('0xFE'),
  qbert: when({ let: 'v0' }, ram('0x88'), ram('0xD9')),
  superman: ram('0x9F'),
  time_pilot: ram('0xA0'),
  venture: ram('0xBF'),
};
