// jax-js reads `navigator`, which Node has since version 21: its users on Node 20 need this line too.
globalThis.navigator ??= { userAgent: `Node.js/${process.versions.node}`, hardwareConcurrency: 1 };
