// Media: cases of GetMedia and of the archived media API.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as archivedSdk from "@aws-sdk/client-kinesis-video-archived-media";
import * as mediaSdk from "@aws-sdk/client-kinesis-video-media";
import ebml from "ebml";
import { START_S, add, audio, clientOf, samples, stored, stream } from "./cases.js";
import * as mkv from "./matroska.js";
import { Upload } from "./upload.js";

const NEVER_EXISTED = String((1n << 156n) + (1n << 92n) + (1n << 28n));
const HOUR_MS = 3_600_000;
// For streams that have no endpoint, because they are not there.
const media = new mediaSdk.KinesisVideoMedia({});
const archived = new archivedSdk.KinesisVideoArchivedMedia({});

/** The body of GetMedia. */
async function open(name, StartSelectorType, members = {}) {
  const client = await clientOf(name, "GET_MEDIA");
  const answer = await client.getMedia({ StreamName: name, StartSelector: { StartSelectorType, ...members } });
  assert.equal(answer.ContentType, "video/webm");
  return answer.Payload;
}

/** The fragments of a whole body. */
async function read(...selector) {
  const body = await open(...selector);
  return mkv.fragments(Buffer.from(await body.transformToByteArray()));
}

const numbersOf = (fragments) => fragments.map(({ number }) => number);
const at = (seconds) => new Date(seconds * 1000);

add("GetMedia", "EARLIEST: every sample", async () => {
  const { name, numbers } = await stored();
  const found = await read(name, "EARLIEST");
  assert.deepEqual(samples(found), audio(0, 1, 2, 3));
  assert.deepEqual(numbersOf(found), numbers);
  assert.deepEqual(found.map(({ token }) => token), numbers);
});
add("GetMedia", "FRAGMENT_NUMBER: after it", async () => {
  const { name, numbers } = await stored();
  assert.deepEqual(samples(await read(name, "FRAGMENT_NUMBER", { AfterFragmentNumber: numbers[1] })), audio(2, 3));
});
add("GetMedia", "CONTINUATION_TOKEN: no gap, no repeat", async () => {
  const { name } = await stored();
  const first = (await read(name, "EARLIEST")).slice(0, 3);
  const rest = await read(name, "CONTINUATION_TOKEN", { ContinuationToken: first.at(-1).token });
  assert.deepEqual(samples([...first, ...rest]), audio(0, 1, 2, 3));
});
add("GetMedia", "PRODUCER_TIMESTAMP: the fragment that contains it", async () => {
  const { name } = await stored();
  // 80 ms is where the last block of the fragment begins.
  const found = await read(name, "PRODUCER_TIMESTAMP", { StartTimestamp: at(START_S + 1.08) });
  assert.deepEqual(samples(found), audio(1, 2, 3));
});
add("GetMedia", "SERVER_TIMESTAMP: the fragment that came then", async () => {
  const { name } = await stored();
  const from = (ms) => read(name, "SERVER_TIMESTAMP", { StartTimestamp: new Date(Date.now() + ms) });
  assert.deepEqual(samples(await from(-HOUR_MS)), audio(0, 1, 2, 3));
  assert.deepEqual(samples(await from(HOUR_MS)), audio());
});

/** A frame is read while its fragment is open; the body holds them all. */
async function live(hours) {
  const { name } = await stream({ DataRetentionInHours: hours });
  const [first, second] = mkv.frames(0, 2);
  const upload = await Upload.open(name);
  upload.send(Buffer.concat([mkv.documentHead(), mkv.clusterHead(START_S * 1000), mkv.block(first)]));
  await upload.untilAck("BUFFERING");
  const payload = await open(name, "NOW");
  let body = Buffer.alloc(0);
  let finished;
  for await (const piece of payload) {
    body = Buffer.concat([body, piece]);
    if (!finished && body.includes(first)) {
      // Nobody has seen this one, and the fragment ends only after it.
      upload.send(mkv.block(second, 20));
      finished = upload.finish();
    }
  }
  assert(finished, "the body ended before its frame");
  assert.equal((await finished).at(-1).EventType, hours ? "PERSISTED" : "RECEIVED");
  assert.deepEqual(samples(mkv.fragments(body)), Buffer.concat([first, second]));
}

add("GetMedia", "NOW: frames of a fragment that is open", () => live(24));
add("GetMedia", "a stream without retention, while it is sent", () => live(0));
add("GetMedia", "a quiet stream: the body ends", async () => {
  assert.deepEqual(await read((await stream({ DataRetentionInHours: 24 })).name, "NOW"), []);
});
add("GetMedia", "FRAGMENT_NUMBER without a number", async () => read((await stream()).name, "FRAGMENT_NUMBER"));
add("GetMedia", "PRODUCER_TIMESTAMP without a time", async () => read((await stream()).name, "PRODUCER_TIMESTAMP"));
add("GetMedia", "a selector that is none", async () => read((await stream()).name, "YESTERDAY"));
add("GetMedia", "a token of another service", async () =>
  read((await stream()).name, "CONTINUATION_TOKEN", { ContinuationToken: "nonsense" }),
);
add("GetMedia", "a stream that is not there", () =>
  media.getMedia({ StreamName: "unknown", StartSelector: { StartSelectorType: "NOW" } }),
);

const selector = (start, end, kind = "PRODUCER_TIMESTAMP") => ({
  FragmentSelectorType: kind,
  TimestampRange: { StartTimestamp: at(start), EndTimestamp: at(end) },
});

async function listed(name, range) {
  const client = await clientOf(name, "LIST_FRAGMENTS");
  return (await client.listFragments({ StreamName: name, FragmentSelector: range })).Fragments;
}

const listedNumbers = (fragments) => fragments.map(({ FragmentNumber }) => FragmentNumber);

add("ListFragments", "by producer times, both ends included", async () => {
  const { name, numbers } = await stored();
  const found = await listed(name, selector(START_S + 1, START_S + 2));
  assert.deepEqual(listedNumbers(found), numbers.slice(1, 3));
  assert.deepEqual(found.map(({ ProducerTimestamp }) => ProducerTimestamp), [at(START_S + 1), at(START_S + 2)]);
  for (const fragment of found) {
    assert.equal(fragment.FragmentLengthInMilliseconds, 80);
    assert(fragment.FragmentSizeInBytes > 5 * 320);
  }
});
add("ListFragments", "by server times", async () => {
  const { name, numbers } = await stored();
  const now = Date.now() / 1000;
  const found = await listed(name, selector(now - 3600, now + 3600, "SERVER_TIMESTAMP"));
  assert.deepEqual(listedNumbers(found), numbers);
  for (const { ServerTimestamp } of found) assert(Math.abs(ServerTimestamp.getTime() - Date.now()) < HOUR_MS);
});
add("ListFragments", "two to a page, to the end", async () => {
  const { name, numbers } = await stored(5);
  const client = await clientOf(name, "LIST_FRAGMENTS");
  const request = { StreamName: name, FragmentSelector: selector(START_S, START_S + 60) };
  const pages = [];
  for await (const page of archivedSdk.paginateListFragments({ client, pageSize: 2 }, request)) {
    pages.push(page.Fragments);
  }
  assert.deepEqual(pages.map(({ length }) => length), [2, 2, 1]);
  assert.deepEqual(pages.flatMap(listedNumbers), numbers);
});
add("ListFragments", "no selector", async () => listed((await stored(1)).name));
add("ListFragments", "a range that ends before it begins", async () => listed((await stored(1)).name, selector(2, 1)));
add("ListFragments", "a range before the retention", async () =>
  listed((await stored(1)).name, selector(1, START_S, "SERVER_TIMESTAMP")),
);
add("ListFragments", "a stream without retention", async () => listed((await stream()).name, selector(1, 2)));
add("ListFragments", "a stream that is not there", () =>
  archived.listFragments({ StreamName: "unknown", FragmentSelector: selector(1, 2) }),
);

async function mediaOf(name, numbers) {
  const client = await clientOf(name, "GET_MEDIA_FOR_FRAGMENT_LIST");
  const answer = await client.getMediaForFragmentList({ StreamName: name, Fragments: numbers });
  assert.equal(answer.ContentType, "video/webm");
  return mkv.fragments(Buffer.from(await answer.Payload.transformToByteArray()));
}

add("GetMediaForFragmentList", "in the order of the list", async () => {
  const { name, numbers } = await stored();
  const chosen = [3, 0, 1].map((index) => numbers[index]);
  const found = await mediaOf(name, chosen);
  assert.deepEqual(samples(found), audio(3, 0, 1));
  assert.deepEqual(numbersOf(found), chosen);
});
add("GetMediaForFragmentList", "a number that is not there, told in its place", async () => {
  const { name, numbers } = await stored(2);
  const found = await mediaOf(name, [numbers[0], NEVER_EXISTED, numbers[1]]);
  assert.deepEqual(numbersOf(found), [numbers[0], NEVER_EXISTED, numbers[1]]);
  assert.equal(found[1].tags[`${mkv.SERVICE}ERROR_CODE`], "FRAGMENT_NOT_FOUND");
  assert.equal(found[1].tags[`${mkv.SERVICE}ERROR_ID`], "3000");
  assert.deepEqual(samples(found), audio(0, 1));
});
add("GetMediaForFragmentList", "a number that is none", async () => mediaOf((await stored(1)).name, ["0x1"]));
add("GetMediaForFragmentList", "1,001 numbers", async () =>
  mediaOf((await stored(1)).name, Array(1001).fill(NEVER_EXISTED)),
);
add("GetMediaForFragmentList", "a stream that is not there", () =>
  archived.getMediaForFragmentList({ StreamName: "unknown", Fragments: [NEVER_EXISTED] }),
);

const times = { StartTimestamp: at(START_S), EndTimestamp: at(START_S + 60) };
const clip = { FragmentSelectorType: "PRODUCER_TIMESTAMP", TimestampRange: times };
const images = { ...times, ImageSelectorType: "PRODUCER_TIMESTAMP", Format: "JPEG", SamplingInterval: 200 };
const playback = {
  GetHLSStreamingSessionURL: (identity) => archived.getHLSStreamingSessionURL(identity),
  GetDASHStreamingSessionURL: (identity) => archived.getDASHStreamingSessionURL(identity),
  GetClip: (identity) => archived.getClip({ ...identity, ClipFragmentSelector: clip }),
  GetImages: (identity) => archived.getImages({ ...identity, ...images }),
};
for (const [operation, play] of Object.entries(playback)) {
  add(operation, "call audio", async () => play({ StreamName: (await stored(1)).name }));
  add(operation, "neither name nor ARN", () => play({}));
  for (const kind of ["video without private data", "video with wrong private data", "video with wrong frames"]) {
    add(operation, kind, () => play({ StreamName: kind.replaceAll(" ", "-") }));
  }
  add(operation, "a stream without retention", async () => play({ StreamName: (await stream()).name }));
  add(operation, "a stream that is not there", () => play({ StreamName: "unknown" }));
}

/** Another producer's upload, from the stream named after it: every Cluster byte for byte. */
async function recording(name) {
  const sent = mkv.inputClusters(await readFile(join(process.env.TYMPAN_GROUND_TRUTH, "putmedia", name)));
  const now = Date.now() / 1000;
  const numbers = listedNumbers(await listed(name, selector(now - 3600, now + 3600, "SERVER_TIMESTAMP")));
  for (const found of [await read(name, "EARLIEST"), await mediaOf(name, numbers)]) {
    const clusters = found.flatMap(({ clusters }) => clusters);
    assert.equal(clusters.length, sent.length);
    clusters.forEach((cluster, index) => assert(cluster.equals(sent[index]), `cluster ${index} was changed`));
    // Somebody else's parser, which consumers of call audio use, sees the same frames.
    assert(Buffer.concat(await decoded(name)).equals(samples(found)), "frames");
  }
}

/** The frames of a GetMedia body as the parser `ebml` gives them, while the body comes in. */
async function decoded(name) {
  const frames = [];
  const decoder = new ebml.Decoder();
  decoder.on("data", ([kind, { name, payload }]) => {
    if (kind === "tag" && name === "SimpleBlock") frames.push(payload);
  });
  for await (const piece of await open(name, "EARLIEST")) decoder.write(piece);
  return frames;
}

for (const name of ["c-producer-aac-relative.mkv", "ffmpeg-h264.mkv", "kvssink-alaw-absolute.mkv"]) {
  add("Recordings", name, () => recording(name));
}
