// BullMQ: `bull.mjs work` runs jobs, `bull.mjs HOW JOB COUNT [GAP] [LEAD]` enqueues as enqueue.py does; marks as in peer.py.
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';

const url = new URL(process.env.BENCH_URL);
const connection = {
  host: url.hostname, port: +url.port, password: url.password, db: +(url.pathname.slice(1) || 0), maxRetriesPerRequest: null,
};
const RETRY_MS = 10, TRIES = 3, BATCH = 100, FILL = 1000;
const KEEP = { removeOnComplete: { count: 1000 } }; // as many as the job service keeps
const options = delay => ({
  ...KEEP, ...(delay === undefined ? {} : { delay }),
  ...(process.env.BENCH_JOB === 'flaky' ? { attempts: TRIES, backoff: { type: 'fixed', delay: RETRY_MS } } : {}),
});
const pad = number => String(number).padStart(21, '0');
const payload = (number, at = 0n) => ({
  ticketId: `tkt_${pad(number)}`, propertyId: `prp_${pad(number % 997)}`, createdById: `usr_${pad(number % 503)}`,
  landlordId: `lnd_${pad(number % 101)}`,
  note: 'the heating in the second bathroom stays cold, please come between eight and twelve on any weekday',
  number, at: String(at), // beyond what a number holds
});
const now = () => process.hrtime.bigint();
const [how, job, count, gap, lead] = [process.argv[2], process.argv[3], ...process.argv.slice(4).map(Number)];

async function work() {
  const marks = process.env.BENCH_MARKS, file = fs.openSync(marks, 'a'), bytes = Buffer.alloc(16);
  const ms = +(process.env.BENCH_SLEEP_MS ?? 0);
  fs.closeSync(fs.openSync(`${marks}.ready`, 'a'));
  while (!fs.existsSync(process.env.BENCH_GO)) await sleep(5);
  new Worker('bench', async ({ name, data, attemptsMade }) => {
    if (name === 'flaky' && data.number % 10 < 3 && attemptsMade < 2) throw new Error('not yet');
    bytes.writeBigUInt64LE(now(), 0);
    bytes.writeBigUInt64LE(BigInt(data.at), 8);
    fs.writeSync(file, bytes);
    if (name === 'timed') await sleep(ms);
  }, { connection, concurrency: +process.env.BENCH_AT_ONCE });
}

async function pace(queue) {
  for (let number = 0; number < 5; number++) await queue.add(job, payload(number), options());
  await sleep(1000);
  let due = performance.now();
  for (let number = 0; number < count; number++) {
    due += -Math.log(1 - Math.random()) * gap * 1000;
    await sleep(Math.max(0, due - performance.now()));
    await queue.add(job, payload(number, now()), options());
  }
}

async function due(queue) {
  const begin = now() + BigInt(Math.round(lead * 1e9)), step = gap * 1e9 / count;
  for (let first = 0; first < count; first += BATCH) {
    const jobs = Array.from({ length: Math.min(BATCH, count - first) }, (_, offset) => {
      const at = begin + BigInt(Math.round((first + offset) * step));
      return { name: job, data: payload(first + offset, at), opts: options(Number((at - now()) / 1000000n)) };
    });
    await queue.addBulk(jobs);
  }
}

async function fill(queue) {
  const all = Array.from({ length: count }, (_, number) => payload(number));
  await queue.add(job, all[0], options());
  const cpu = process.cpuUsage(), began = performance.now(), size = how === 'batch' ? BATCH : FILL;
  if (how === 'single') for (const data of all.slice(1)) await queue.add(job, data, options());
  else for (let first = 1; first < count; first += size) {
    await queue.addBulk(all.slice(first, first + size).map(data => ({ name: job, data, opts: options() })));
  }
  const seconds = (performance.now() - began) / 1000, used = process.cpuUsage(cpu);
  console.log(JSON.stringify({ rate: (count - 1) / seconds, cpu_us: (used.user + used.system) / (count - 1) }));
}

if (how === 'work') await work();
else {
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
  await ({ pace, due }[how] ?? fill)(queue);
  await queue.close();
}
