// SPDX-License-Identifier: Apache-2.0
// work: calls its native part, or keeps ever more of its own objects. For test_runtimes.
"use strict";
const native = require("./native_part.node");
const hoard = [];
let turn = 0;
const timer = setInterval(() => {
    if (process.argv[2] === "hoards")
        hoard.push(Array.from({length: 10000}, (_, number) => ({turn, number})));
    else if (process.argv[2] === "leaks")
        native.leak();
    else
        native.use();
    if (++turn === 60)
        clearInterval(timer);
}, 50);
