// SPDX-License-Identifier: Apache-2.0
// node_worker: a server and its clients in one process, with zlib, crypto, files and timers.
//
//     node_worker.js SECONDS SEED
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const zlib = require("zlib");

const until = Date.now() + 1000 * Number(process.argv[2]);
let state = Number(process.argv[3]) >>> 0;

function chance(limit) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 16) % limit;
}

const server = http.createServer((request, response) => {
  const body = crypto.createHash("sha256").update(request.url).digest("hex").repeat(1 + chance(40));
  if (chance(2)) {
    response.setHeader("Content-Encoding", "gzip");
    zlib.gzip(body, (error, packed) => response.end(packed));
  } else {
    fs.readFile(__filename, (error, text) => response.end(text));
  }
});

const recent = new Map();

function ask(port) {
  if (Date.now() > until) {
    server.close();
    server.closeAllConnections?.();
    return;
  }
  const request = http.get({ port, path: "/" + chance(1000), agent: chance(3) ? undefined : false });
  request.on("response", (response) => {
    const parts = [];
    response.on("data", (part) => parts.push(part));
    response.on("end", () => {
      recent.set(chance(200), Buffer.concat(parts));
      setTimeout(ask, 5 + chance(40), port);
    });
  });
  request.on("error", () => setTimeout(ask, 20, port));
}

server.listen(0, "127.0.0.1", () => {
  for (let i = 0; i < 8; i++) ask(server.address().port);
});
