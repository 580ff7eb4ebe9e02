// Matroska, read and written apart from the product's own code, as far as GetMedia and PutMedia need it.
// Source: RFC 8794 (EBML), RFC 9559 (Matroska).

import assert from "node:assert/strict";

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TRACKS = 0x1654ae6b;
const CLUSTER = 0x1f43b675;
const TAGS = 0x1254c367;
const TAG = 0x7373;
const SIMPLE_TAG = 0x67c8;
const TAG_NAME = 0x45a3;
const TAG_STRING = 0x4487;
const TIMECODE = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const CUES = 0x1c53bb6b;
const SEEK_HEAD = 0x114d9b74;
// What can follow a Cluster of unknown size, apart from the end.
const SEGMENT_CHILDREN = [INFO, TRACKS, CLUSTER, TAGS, CUES, SEEK_HEAD, EBML];

export const SERVICE = "AWS_KINESISVIDEO_";

/** The element that begins at `at`; `end` is null where its size is unknown. */
function header(data, at) {
  const idWidth = Math.clz32(data[at]) - 23;
  const sizeAt = at + idWidth;
  const sizeWidth = Math.clz32(data[sizeAt]) - 23;
  const begin = sizeAt + sizeWidth;
  assert(idWidth <= 4 && sizeWidth <= 8 && begin <= data.length, `no element at ${at}`);
  let size = BigInt(data[sizeAt]) & ((1n << BigInt(8 - sizeWidth)) - 1n);
  for (const byte of data.subarray(sizeAt + 1, begin)) size = (size << 8n) | BigInt(byte);
  const unknown = size === (1n << BigInt(7 * sizeWidth)) - 1n;
  return { id: data.readUIntBE(at, idWidth), start: at, begin, end: unknown ? null : begin + Number(size) };
}

/** The elements from `at` to `end`, each wholly there. */
function* children(data, at, end) {
  while (at < end) {
    const element = header(data, at);
    element.end ??= endOfUnknown(data, element, end);
    assert(element.end <= end, `element ${element.id.toString(16)} at ${at} ends after ${end}`);
    yield element;
    at = element.end;
  }
}

function endOfUnknown(data, element, end) {
  const stops = element.id === SEGMENT ? [EBML] : SEGMENT_CHILDREN;
  let at = element.begin;
  while (at < end) {
    const child = header(data, at);
    if (stops.includes(child.id)) return at;
    at = child.end ?? endOfUnknown(data, child, end);
  }
  return end;
}

/** The documents of a GetMedia body: their tags, payloads of their blocks, and the bytes of their Clusters. */
export function fragments(body) {
  const found = [];
  for (let at = 0; at < body.length; ) {
    const ebml = header(body, at);
    assert.equal(ebml.id, EBML, `a document begins at ${at}`);
    const segment = header(body, ebml.end);
    assert.equal(segment.id, SEGMENT, `a Segment follows at ${ebml.end}`);
    const end = segment.end ?? endOfUnknown(body, segment, body.length);
    const fragment = { tags: {}, blocks: [], clusters: [], timecode: null };
    for (const child of children(body, segment.begin, end)) {
      if (child.id === TAGS) readTags(body, child, fragment.tags);
      if (child.id === CLUSTER) readCluster(body, child, fragment);
    }
    fragment.number = fragment.tags[`${SERVICE}FRAGMENT_NUMBER`];
    fragment.token = fragment.tags[`${SERVICE}CONTINUATION_TOKEN`];
    found.push(fragment);
    at = end;
  }
  return found;
}

/** The Clusters of a producer's file. */
export function inputClusters(file) {
  const segment = header(file, header(file, 0).end);
  const all = [...children(file, segment.begin, segment.end ?? file.length)];
  return all.filter(({ id }) => id === CLUSTER).map(({ start, end }) => file.subarray(start, end));
}

function readTags(data, tags, into) {
  for (const tag of children(data, tags.begin, tags.end)) {
    if (tag.id !== TAG) continue;
    for (const simple of children(data, tag.begin, tag.end)) {
      if (simple.id !== SIMPLE_TAG) continue;
      const texts = {};
      for (const part of children(data, simple.begin, simple.end)) {
        texts[part.id] = data.toString("utf8", part.begin, part.end);
      }
      into[texts[TAG_NAME]] = texts[TAG_STRING] ?? "";
    }
  }
}

function readCluster(data, cluster, fragment) {
  fragment.clusters.push(data.subarray(cluster.start, cluster.end));
  for (const child of children(data, cluster.begin, cluster.end)) {
    if (child.id === TIMECODE) fragment.timecode = data.readUIntBE(child.begin, Math.min(6, child.end - child.begin));
    // Track number in one byte, relative timecode in two, flags in one.
    if (child.id === SIMPLE_BLOCK) fragment.blocks.push(data.subarray(child.begin + 4, child.end));
  }
}

function element(id, ...payloads) {
  const payload = Buffer.concat(payloads);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(payload.length) | (1n << 56n));
  return Buffer.concat([idBytes(id), size, payload]);
}

function idBytes(id) {
  return Buffer.from(id.toString(16), "hex");
}

function uint64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** EBML header, Segment of unknown size, Info and one audio track, labelled as Amazon Connect labels its PCM. */
export function documentHead() {
  const entry = element(
    0xae,
    element(0xd7, Buffer.of(1)),
    element(0x73c5, uint64(1)),
    element(0x83, Buffer.of(2)),
    element(0x536e, Buffer.from("AUDIO_FROM_CUSTOMER")),
    element(0x86, Buffer.from("A_AAC")),
    element(0x63a2, Buffer.of(0x15, 0x88)),
  );
  return Buffer.concat([
    element(EBML, element(0x4282, Buffer.from("matroska"))),
    idBytes(SEGMENT),
    Buffer.of(0xff),
    element(INFO, element(0x2ad7b1, uint64(1_000_000))),
    element(TRACKS, entry),
  ]);
}

/** The beginning of a Cluster of unknown size. */
export function clusterHead(timecodeMs) {
  return Buffer.concat([idBytes(CLUSTER), Buffer.of(0xff), element(TIMECODE, uint64(timecodeMs))]);
}

/** A SimpleBlock of track 1. */
export function block(payload, relativeMs = 0) {
  const head = Buffer.of(0x81, 0, 0, 0x80);
  head.writeInt16BE(relativeMs, 1);
  return element(SIMPLE_BLOCK, head, payload);
}

/** A Cluster of unknown size with one block of 20 ms for each payload. */
export function cluster(timecodeMs, payloads) {
  return Buffer.concat([clusterHead(timecodeMs), ...payloads.map((payload, index) => block(payload, index * 20))]);
}

/** A Tags element with one tag. */
export function tag(name, value) {
  const simple = element(SIMPLE_TAG, element(TAG_NAME, Buffer.from(name)), element(TAG_STRING, Buffer.from(value)));
  return element(TAGS, element(TAG, simple));
}

/** Payloads that are all different, and different for each seed. */
export function frames(seed, count, bytes = 320) {
  return Array.from({ length: count }, (_, index) => Buffer.alloc(bytes, `${seed}:${index}|`));
}
