# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import sys


async def add(n):
    await asyncio.sleep(0)
    return n


async def main():
    print(sum(await asyncio.gather(*(add(i) for i in range(500)))))

asyncio.run(main())
print(len(json.dumps([{str(i): [i] * 3} for i in range(5000)])))
sys.exit(7)
