// What the cases share: clients as the SDK makes them from the environment, streams, and the report.
//
// `run` reads from stdin a JSON array of {"operation", "case"} and prints one JSON line for each: what came of it
// ("outcome": "success" or the error's name), the status, whether the SDK threw a class of its own ("typed"), and
// "failure" where a check on an answer failed. What is expected stands in the table alone.

import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import * as control from "@aws-sdk/client-kinesis-video";
import * as archived from "@aws-sdk/client-kinesis-video-archived-media";
import * as media from "@aws-sdk/client-kinesis-video-media";
import { cluster, documentHead, frames, tag } from "./matroska.js";
import { put } from "./upload.js";

// The time at which the media of `stored` begins.
export const START_S = 1_700_000_000;
export const UNKNOWN_ARN = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/unknown/1598784211076";
export const OTHER_SERVICE_ARN = "arn:aws:s3:us-west-2:111122223333:stream/unknown/1598784211076";

export const kvs = new control.KinesisVideo({});

const MIME_TYPE = tag("MimeType", "audio/L16;rate=8000;channels=1;");
// No case takes longer.
const LIMIT_MS = 60_000;
const cases = new Map();
let made = 0;

/** Adds a case: one call that ends well or is refused, or a function that checks answers. */
export function add(operation, name, run) {
  const key = JSON.stringify([operation, name]);
  assert(!cases.has(key), key);
  cases.set(key, run);
}

/** A name that no stream has. */
export function newName() {
  made += 1;
  return `javascript-${made}`;
}

/** A new stream: its name and ARN. */
export async function stream(members = {}) {
  const name = newName();
  const { StreamARN } = await kvs.createStream({ StreamName: name, ...members });
  return { name, arn: StreamARN };
}

export async function describe(name) {
  return (await kvs.describeStream({ StreamName: name })).StreamInfo;
}

/** A client for the endpoint that an operation of a stream has. */
export async function clientOf(name, api) {
  const { DataEndpoint: endpoint } = await kvs.getDataEndpoint({ StreamName: name, APIName: api });
  const Client = api === "GET_MEDIA" ? media.KinesisVideoMedia : archived.KinesisVideoArchivedMedia;
  return new Client({ endpoint });
}

/** A stream of one fragment a second: its name, and the numbers of its fragments. */
export async function stored(count = 4) {
  const { name } = await stream({ DataRetentionInHours: 24 });
  const fragment = (second) => [cluster((START_S + second) * 1000, frames(second, 5)), MIME_TYPE];
  const fragments = Array.from({ length: count }, (_, second) => fragment(second));
  return { name, numbers: await put(name, Buffer.concat([documentHead(), ...fragments.flat()])) };
}

/** The samples of those fragments of `stored`. */
export function audio(...seconds) {
  return Buffer.concat(seconds.flatMap((second) => frames(second, 5)));
}

/** The samples of fragments. */
export function samples(fragments) {
  return Buffer.concat(fragments.flatMap(({ blocks }) => blocks));
}

/** Runs the cases that are asked for. */
export async function run() {
  for (const wanted of JSON.parse(await text(process.stdin))) {
    const begun = performance.now();
    const came = await outcome(cases.get(JSON.stringify([wanted.operation, wanted.case])));
    console.log(JSON.stringify({ ...wanted, ...came, ms: Math.round(performance.now() - begun) }));
  }
  // A case that did not end may hold a connection.
  process.exit();
}

async function outcome(run) {
  if (!run) return { failure: "there is no such case" };
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    await Promise.race([run(), late]);
  } catch (error) {
    if (!error.$metadata) return { failure: String(error?.stack ?? error) };
    const { httpStatusCode: status, requestId } = error.$metadata;
    if (!error.message || !requestId) return { failure: `no message or no request id: ${error.stack}` };
    const typed = [control, media, archived].some((sdk) => sdk[error.name] && error instanceof sdk[error.name]);
    return { outcome: error.name, status, typed };
  } finally {
    clearTimeout(timer);
  }
  return { outcome: "success" };
}
