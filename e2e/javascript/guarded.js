// What stands before the operations: limits, policies, and streams that are not ready; storage tiers and resource tags.

import assert from "node:assert/strict";
import { KinesisVideo } from "@aws-sdk/client-kinesis-video";
import { KinesisVideoArchivedMedia } from "@aws-sdk/client-kinesis-video-archived-media";
import { KinesisVideoMedia } from "@aws-sdk/client-kinesis-video-media";
import { START_S, add, describe, kvs, newName, stored, stream } from "./cases.js";

// More calls than any limit allows in the time that they take.
const MANY = 1_000;
const RANGE = { StartTimestamp: new Date(START_S * 1000), EndTimestamp: new Date((START_S + 60) * 1000) };
const SELECTOR = { FragmentSelectorType: "PRODUCER_TIMESTAMP", TimestampRange: RANGE };
const NOW = { StartSelectorType: "NOW" };

/** All the clients of somebody, or of somewhere. */
const clients = (settings = {}) => ({
  kvs: new KinesisVideo(settings),
  media: new KinesisVideoMedia(settings),
  archived: new KinesisVideoArchivedMedia(settings),
});

// The server knows this key, and no policy that lets it do anything with streams.
const guest = clients({ credentials: { accessKeyId: "GUEST", secretAccessKey: "guestsecret" } });
const own = clients();
// The limits of an account are those of a region: what is used up there is not missing here.
const elsewhere = clients({ region: "eu-central-1" });

// By operation: a call about a stream. Whether it does anything does not matter.
const CALLS = {
  CreateStream: ({ kvs }) => kvs.createStream({ StreamName: newName() }),
  DescribeStream: ({ kvs }, { name }) => kvs.describeStream({ StreamName: name }),
  ListStreams: ({ kvs }) => kvs.listStreams({}),
  UpdateStream: ({ kvs }, { name }) =>
    kvs.updateStream({ StreamName: name, CurrentVersion: "1", MediaType: "audio/L16" }),
  UpdateDataRetention: ({ kvs }, { name }) =>
    kvs.updateDataRetention({
      StreamName: name,
      CurrentVersion: "1",
      Operation: "INCREASE_DATA_RETENTION",
      DataRetentionChangeInHours: 1,
    }),
  DeleteStream: ({ kvs }, { arn }) => kvs.deleteStream({ StreamARN: arn, CurrentVersion: "1" }),
  DescribeStreamStorageConfiguration: ({ kvs }, { name }) =>
    kvs.describeStreamStorageConfiguration({ StreamName: name }),
  UpdateStreamStorageConfiguration: ({ kvs }, { name }) =>
    kvs.updateStreamStorageConfiguration({
      StreamName: name,
      CurrentVersion: "1",
      StreamStorageConfiguration: { DefaultStorageTier: "WARM" },
    }),
  DescribeMappedResourceConfiguration: ({ kvs }, { name }) =>
    kvs.describeMappedResourceConfiguration({ StreamName: name }),
  TagStream: ({ kvs }, { name }) => kvs.tagStream({ StreamName: name, Tags: { a: "b" } }),
  UntagStream: ({ kvs }, { name }) => kvs.untagStream({ StreamName: name, TagKeyList: ["a"] }),
  ListTagsForStream: ({ kvs }, { name }) => kvs.listTagsForStream({ StreamName: name }),
  TagResource: ({ kvs }, { arn }) => kvs.tagResource({ ResourceARN: arn, Tags: [{ Key: "a", Value: "b" }] }),
  UntagResource: ({ kvs }, { arn }) => kvs.untagResource({ ResourceARN: arn, TagKeyList: ["a"] }),
  ListTagsForResource: ({ kvs }, { arn }) => kvs.listTagsForResource({ ResourceARN: arn }),
  GetDataEndpoint: ({ kvs }, { name }) => kvs.getDataEndpoint({ StreamName: name, APIName: "GET_MEDIA" }),
  GetMedia: async ({ media }, { name }) =>
    (await media.getMedia({ StreamName: name, StartSelector: NOW })).Payload.destroy(),
  ListFragments: ({ archived }, { name }) => archived.listFragments({ StreamName: name, FragmentSelector: SELECTOR }),
  GetMediaForFragmentList: async ({ archived }, { name }) =>
    (await archived.getMediaForFragmentList({ StreamName: name, Fragments: ["1"] })).Payload.destroy(),
  GetHLSStreamingSessionURL: ({ archived }, { name }) => archived.getHLSStreamingSessionURL({ StreamName: name }),
  GetDASHStreamingSessionURL: ({ archived }, { name }) => archived.getDASHStreamingSessionURL({ StreamName: name }),
  GetClip: ({ archived }, { name }) => archived.getClip({ StreamName: name, ClipFragmentSelector: SELECTOR }),
  GetImages: ({ archived }, { name }) =>
    archived.getImages({ StreamName: name, ImageSelectorType: "PRODUCER_TIMESTAMP", Format: "JPEG", ...RANGE }),
};

/** A stream with something in it: its name and ARN. */
async function target() {
  const { name } = await stored(1);
  return { name, arn: (await describe(name)).StreamARN };
}

/** Calls until a limit says no. */
async function flood(call, clients, target) {
  for (let calls = 0; calls < MANY; calls += 1) {
    try {
      await call(clients, target);
    } catch (error) {
      if (error.name === "ClientLimitExceededException" || !error.$metadata) throw error;
    }
  }
}

for (const [operation, call] of Object.entries(CALLS)) {
  const caller = operation === "CreateStream" ? elsewhere : own;
  add(operation, "more calls a second than the limit", async () => flood(call, caller, await target()));
  add(operation, "a key that may not", async () => call(guest, await target()));
}

add("DescribeStream", "a stream that is still being created", async () => {
  assert.equal((await describe((await stream()).name)).Status, "CREATING");
});
for (const operation of ["UpdateStream", "UpdateDataRetention", "DeleteStream", "UpdateStreamStorageConfiguration"]) {
  add(operation, "a stream that is still being created", async () =>
    CALLS[operation](own, await stream({ DataRetentionInHours: 24 })),
  );
}

add("GetMedia", "a fourth connection to one stream", async () => {
  const { name } = await target();
  const open = async () => (await own.media.getMedia({ StreamName: name, StartSelector: NOW })).Payload;
  const held = [await open(), await open(), await open()];
  try {
    await open();
  } finally {
    for (const payload of held) payload.destroy();
  }
});

async function tier(name) {
  const found = await kvs.describeStreamStorageConfiguration({ StreamName: name });
  return found.StreamStorageConfiguration.DefaultStorageTier;
}

async function setTier(name, DefaultStorageTier, members = {}) {
  const { Version } = await describe(name);
  const request = { StreamName: name, CurrentVersion: Version, StreamStorageConfiguration: { DefaultStorageTier } };
  await kvs.updateStreamStorageConfiguration({ ...request, ...members });
}

add("DescribeStreamStorageConfiguration", "by name and by ARN", async () => {
  const { name, arn } = await stream({ StreamStorageConfiguration: { DefaultStorageTier: "WARM" } });
  const found = await kvs.describeStreamStorageConfiguration({ StreamARN: arn });
  assert.deepEqual([found.StreamName, found.StreamARN], [name, arn]);
  assert.equal(await tier(name), "WARM");
  assert.equal(await tier((await stream()).name), "HOT");
});
add("DescribeStreamStorageConfiguration", "a stream that is not there", () => tier("unknown"));
add("DescribeStreamStorageConfiguration", "neither name nor ARN", () => kvs.describeStreamStorageConfiguration({}));

add("UpdateStreamStorageConfiguration", "another tier", async () => {
  const { name } = await stream();
  const { Version: before } = await describe(name);
  await setTier(name, "WARM");
  assert.equal(await tier(name), "WARM");
  assert.notEqual((await describe(name)).Version, before);
});
add("UpdateStreamStorageConfiguration", "a version that is stale", async () => {
  const { name } = await stream();
  const { Version: stale } = await describe(name);
  await setTier(name, "WARM");
  await setTier(name, "HOT", { CurrentVersion: stale });
});
add("UpdateStreamStorageConfiguration", "a tier that is none", async () => setTier((await stream()).name, "TEPID"));
add("UpdateStreamStorageConfiguration", "a stream that is not there", () =>
  CALLS.UpdateStreamStorageConfiguration(own, { name: "unknown" }),
);

const mapped = (identity) => kvs.describeMappedResourceConfiguration(identity);
add("DescribeMappedResourceConfiguration", "a stream without channels", async () => {
  const { MappedResourceConfigurationList } = await mapped({ StreamName: (await stream()).name });
  assert.deepEqual(MappedResourceConfigurationList, []);
});
add("DescribeMappedResourceConfiguration", "a stream that is not there", () => mapped({ StreamName: "unknown" }));
add("DescribeMappedResourceConfiguration", "neither name nor ARN", () => mapped({}));

async function resourceTags(arn) {
  return (await kvs.listTagsForResource({ ResourceARN: arn })).Tags;
}

const FIFTY = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, "v"]));

add("TagResource", "a list of tags", async () => {
  const { arn } = await stream({ Tags: { a: "1" } });
  await kvs.tagResource({ ResourceARN: arn, Tags: [{ Key: "a", Value: "2" }, { Key: "b", Value: "" }] });
  assert.deepEqual(await resourceTags(arn), { a: "2", b: "" });
});
add("TagResource", "a 51st tag", async () => {
  const { arn } = await stream({ Tags: FIFTY });
  await kvs.tagResource({ ResourceARN: arn, Tags: [{ Key: "one", Value: "" }] });
});
add("TagResource", "a key with a comma", async () =>
  kvs.tagResource({ ResourceARN: (await stream()).arn, Tags: [{ Key: "a,b", Value: "v" }] }),
);
add("UntagResource", "keys that are there and keys that are not", async () => {
  const { arn } = await stream({ Tags: { a: "1", b: "2" } });
  await kvs.untagResource({ ResourceARN: arn, TagKeyList: ["a", "never there"] });
  assert.deepEqual(await resourceTags(arn), { b: "2" });
});
add("UntagResource", "no key", async () => kvs.untagResource({ ResourceARN: (await stream()).arn, TagKeyList: [] }));
add("ListTagsForResource", "a map of tags", async () => {
  assert.deepEqual(await resourceTags((await stream({ Tags: { a: "1" } })).arn), { a: "1" });
});
add("ListTagsForResource", "no ARN", () => kvs.listTagsForResource({}));

for (const operation of ["TagResource", "UntagResource", "ListTagsForResource"]) {
  add(operation, "a stream that is gone", async () => {
    const { arn } = await stream();
    await kvs.deleteStream({ StreamARN: arn });
    await CALLS[operation](own, { arn });
  });
}
