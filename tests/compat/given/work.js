// SPDX-License-Identifier: Apache-2.0
'use strict';
const { Worker } = require('worker_threads');
const zlib = require('zlib');
const crypto = require('crypto');
const http = require('http');
const { execFileSync } = require('child_process');

const data = Buffer.from('some text '.repeat(20000));
console.log(zlib.gunzipSync(zlib.gzipSync(data)).equals(data));
console.log(crypto.createHash('sha256').update(data).digest('hex'));
console.log(execFileSync('echo', ['from a child']).toString());

const server = http.createServer((question, answer) => answer.end('answer to ' + question.url));
server.listen(0, '127.0.0.1', () => {
	let open = 50;
	for (let i = 0; i < 50; i++) {
		const where = { port: server.address().port, host: '127.0.0.1', path: '/' + i };
		http.get(where, (answer) => {
			let text = '';
			answer.on('data', (part) => { text += part; });
			answer.on('end', () => {
				if (text !== 'answer to /' + i)
					console.error('wrong', text);
				if (--open === 0) {
					server.close();
					console.log('served');
				}
			});
		});
	}
});

const work = `
	const kept = [];
	for (let i = 0; i < 1e5; i++)
		kept.push({ i });
	require('worker_threads').parentPort.postMessage(kept.length);`;
new Worker(work, { eval: true }).on('message', (count) => console.log('worker', count));
process.on('exit', () => { process.exitCode = 6; });
