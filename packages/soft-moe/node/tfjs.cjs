// The CommonJS twin of tfjs.js.
const { missingPeerError } = require('@moe-rl/core');

try {
  module.exports = require('../dist/tfjs.cjs');
} catch (error) {
  throw missingPeerError('@moe-rl/soft-moe/tfjs', ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'], error);
}
