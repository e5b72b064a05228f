// A small client: a token and a deadline on every call, further tries while the job queue is away.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

import type { ProtoGrpcType } from "./generated/queue_admin_service.js";
import type { EnqueueJobResponse__Output } from "./generated/jobqueue/queue/v1/EnqueueJobResponse.js";
import type { GetJobResponse__Output } from "./generated/jobqueue/queue/v1/GetJobResponse.js";
import type { JobOptions } from "./generated/jobqueue/queue/v1/JobOptions.js";
import type { QueueAdminServiceClient } from "./generated/jobqueue/queue/v1/QueueAdminService.js";

const PROTOS = fileURLToPath(new URL("../../../protos", import.meta.url));
const TRIES = 5;
const DEADLINE_MS = 3_000;

type Callback<T> = (error: grpc.ServiceError | null, value?: T) => void;

export class JobQueue {
  readonly #client: QueueAdminServiceClient;
  readonly #tokenFile: string;

  constructor(address: string, tokenFile: string) {
    const definition = loadSync("jobqueue/queue/v1/queue_admin_service.proto", {
      includeDirs: [PROTOS, `${PROTOS}/gen/third_party`],
      longs: Number,
      enums: String,
      defaults: true,
    });
    const { jobqueue } = grpc.loadPackageDefinition(definition) as unknown as ProtoGrpcType;
    this.#client = new jobqueue.queue.v1.QueueAdminService(address, grpc.credentials.createInsecure());
    this.#tokenFile = tokenFile;
  }

  // Repeating it is safe: give an id, or use a job type whose ids are made from the payload.
  enqueue(queue: string, name: string, data: object, opts: JobOptions = {}): Promise<EnqueueJobResponse__Output> {
    const request = { queue, name, data: Buffer.from(JSON.stringify(data)), opts };
    return this.#call((metadata, options, done) => this.#client.enqueueJob(request, metadata, options, done));
  }

  get(queue: string, jobId: string): Promise<GetJobResponse__Output> {
    return this.#call((metadata, options, done) => this.#client.getJob({ queue, jobId }, metadata, options, done));
  }

  close(): void {
    this.#client.close();
  }

  async #call<T>(send: (m: grpc.Metadata, o: grpc.CallOptions, done: Callback<T>) => void): Promise<T> {
    for (let tries = 1; ; tries++) {
      const metadata = new grpc.Metadata();
      metadata.set("authorization", `Bearer ${readFileSync(this.#tokenFile, "utf8").trim()}`);
      try {
        return await new Promise<T>((resolve, reject) =>
          send(metadata, { deadline: Date.now() + DEADLINE_MS }, (error, value) =>
            error ? reject(error) : resolve(value as T),
          ),
        );
      } catch (error) {
        if ((error as grpc.ServiceError).code !== grpc.status.UNAVAILABLE || tries === TRIES) throw error;
        await sleep(100 * 2 ** tries * (0.5 + Math.random() / 2));
      }
    }
  }
}
