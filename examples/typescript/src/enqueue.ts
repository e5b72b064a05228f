// Enqueue a ticket event and read the job back: node dist/enqueue.js <address> <token file> <ticket id>

import { JobQueue } from "./client.js";

const [address, tokenFile, ticketId] = process.argv.slice(2);
if (!address || !tokenFile || !ticketId) {
  console.error("usage: node dist/enqueue.js <address> <token file> <ticket id>");
  process.exit(2);
}

const queue = new JobQueue(address, tokenFile);
const made = await queue.enqueue("tickets", "ticket.created", {
  ticketId,
  propertyId: "property-1",
  createdById: "user-1",
  landlordId: "landlord-1",
});
const { job } = await queue.get("tickets", made.id);
console.log(
  JSON.stringify({ id: made.id, created: made.created, status: job?.status, data: JSON.parse(job?.data.toString() ?? "") }),
);
queue.close();
