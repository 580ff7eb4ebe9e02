// The control plane: cases of streams, tags and endpoints.

import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-kinesis-video";
import { OTHER_SERVICE_ARN, UNKNOWN_ARN, add, describe, kvs, newName, stream } from "./cases.js";

const APIS = [
  "PUT_MEDIA",
  "GET_MEDIA",
  "LIST_FRAGMENTS",
  "GET_MEDIA_FOR_FRAGMENT_LIST",
  "GET_HLS_STREAMING_SESSION_URL",
  "GET_DASH_STREAMING_SESSION_URL",
  "GET_CLIP",
  "GET_IMAGES",
];
const FIFTY = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, "v"]));

add("CreateStream", "a name and nothing else", async () => {
  const { name, arn } = await stream();
  assert.match(arn, new RegExp(`^arn:aws:kinesisvideo:us-west-2:111122223333:stream/${name}/[0-9]{13}$`));
  const info = await describe(name);
  assert.equal(info.DataRetentionInHours, 0);
  assert.equal(info.Status, "ACTIVE");
});
add("CreateStream", "every setting", async () => {
  const settings = { DeviceName: "device.1", MediaType: "audio/L16", DataRetentionInHours: 24 };
  const { name } = await stream({ ...settings, KmsKeyId: "alias/aws/kinesisvideo", Tags: { team: "voice" } });
  const info = await describe(name);
  for (const member of Object.keys(settings)) assert.equal(info[member], settings[member]);
  assert(info.KmsKeyId.endsWith("aws/kinesisvideo"));
  assert.deepEqual(await tags(name), { team: "voice" });
});
add("CreateStream", "a name of 256 characters", async () => {
  const name = newName().padEnd(256, "x");
  await kvs.createStream({ StreamName: name });
  assert.equal((await describe(name)).StreamName, name);
});
add("CreateStream", "a name with a space", () => kvs.createStream({ StreamName: "a b" }));
add("CreateStream", "a media type with a parameter", () => stream({ MediaType: "audio/L16;rate=8000" }));
add("CreateStream", "a retention of more than ten years", () => stream({ DataRetentionInHours: 87_601 }));
add("CreateStream", "a key that is not there", () => stream({ KmsKeyId: "alias/nobody" }));
add("CreateStream", "a name that is taken", async () => kvs.createStream({ StreamName: (await stream()).name }));
add("CreateStream", "51 tags", () => stream({ Tags: { ...FIFTY, one: "more" } }));
add("CreateStream", "a stream beyond the quota", async () => {
  if ((await kvs.listStreams({})).StreamInfoList.length === 0) await stream();
  await stream();
});

add("DescribeStream", "by name and by ARN", async () => {
  const { name, arn } = await stream({ MediaType: "audio/L16" });
  const info = await describe(name);
  assert.deepEqual((await kvs.describeStream({ StreamARN: arn })).StreamInfo, info);
  assert.equal(info.CreationTime.getTime(), Number(arn.split("/").at(-1)));
  assert.match(info.Version, /^[a-zA-Z0-9]{1,64}$/);
});
add("DescribeStream", "a name that is not there", () => describe("unknown"));
add("DescribeStream", "an ARN that is not there", () => kvs.describeStream({ StreamARN: UNKNOWN_ARN }));
add("DescribeStream", "neither name nor ARN", () => kvs.describeStream({}));
add("DescribeStream", "a name beside the ARN of another stream", async () => {
  const [one, another] = [await stream(), await stream()];
  await kvs.describeStream({ StreamName: one.name, StreamARN: another.arn });
});
add("DescribeStream", "an ARN of another service", () => kvs.describeStream({ StreamARN: OTHER_SERVICE_ARN }));

add("ListStreams", "everything, one to a page", async () => {
  const made = [await stream(), await stream(), await stream()];
  const names = [];
  for await (const page of sdk.paginateListStreams({ client: kvs, pageSize: 1 }, {})) {
    assert.equal(page.StreamInfoList.length, 1);
    names.push(page.StreamInfoList[0].StreamName);
  }
  assert.equal(new Set(names).size, names.length);
  for (const { name } of made) assert(names.includes(name), name);
});
add("ListStreams", "by the beginning of the name", async () => {
  const prefix = `${newName()}-listed-`;
  for (const letter of "ba") await kvs.createStream({ StreamName: prefix + letter });
  const condition = { ComparisonOperator: "BEGINS_WITH", ComparisonValue: prefix };
  const { StreamInfoList: found } = await kvs.listStreams({ StreamNameCondition: condition });
  assert.deepEqual(found.map(({ StreamName }) => StreamName), [`${prefix}a`, `${prefix}b`]);
});
add("ListStreams", "pages of no stream", () => kvs.listStreams({ MaxResults: 0 }));
add("ListStreams", "a token that is none", () => kvs.listStreams({ NextToken: "bm9uc2Vuc2U/" }));

async function update(name, members) {
  const { Version } = await describe(name);
  return kvs.updateStream({ StreamName: name, CurrentVersion: Version, ...members });
}

add("UpdateStream", "media type and device", async () => {
  const { name } = await stream();
  const before = await describe(name);
  await update(name, { MediaType: "audio/L16", DeviceName: "d" });
  const after = await describe(name);
  assert.deepEqual([after.MediaType, after.DeviceName], ["audio/L16", "d"]);
  assert.notEqual(after.Version, before.Version);
});
add("UpdateStream", "a media type with a parameter", async () =>
  update((await stream()).name, { MediaType: "audio/L16;rate=8000" }),
);
add("UpdateStream", "a version that is stale", async () => {
  const { name } = await stream();
  const { Version: stale } = await describe(name);
  await update(name, { MediaType: "audio/L16" });
  await update(name, { MediaType: "audio/aac", CurrentVersion: stale });
});
add("UpdateStream", "a stream that is not there", () =>
  kvs.updateStream({ StreamName: "unknown", CurrentVersion: "1", MediaType: "audio/L16" }),
);

/** Changes the retention of a stream, and gives it. */
async function change(name, operation, hours, members = {}) {
  const { Version } = await describe(name);
  const change = { Operation: operation, DataRetentionChangeInHours: hours };
  await kvs.updateDataRetention({ StreamName: name, CurrentVersion: Version, ...change, ...members });
  return (await describe(name)).DataRetentionInHours;
}

const [LONGER, SHORTER] = ["INCREASE_DATA_RETENTION", "DECREASE_DATA_RETENTION"];
const aDay = async () => (await stream({ DataRetentionInHours: 24 })).name;

add("UpdateDataRetention", "longer", async () => assert.equal(await change(await aDay(), LONGER, 24), 48));
add("UpdateDataRetention", "shorter, down to nothing", async () => {
  const name = await aDay();
  assert.equal(await change(name, SHORTER, 23), 1);
  assert.equal(await change(name, SHORTER, 1), 0);
});
add("UpdateDataRetention", "less than nothing", async () => change(await aDay(), SHORTER, 25));
add("UpdateDataRetention", "more than ten years", async () => change(await aDay(), LONGER, 87_600));
add("UpdateDataRetention", "a version that is stale", async () => {
  const name = await aDay();
  const { Version: stale } = await describe(name);
  await change(name, LONGER, 1);
  await change(name, LONGER, 1, { CurrentVersion: stale });
});
add("UpdateDataRetention", "a stream that is not there", () =>
  kvs.updateDataRetention({
    StreamName: "unknown",
    CurrentVersion: "1",
    Operation: LONGER,
    DataRetentionChangeInHours: 1,
  }),
);

const isGone = (name) => assert.rejects(describe(name), sdk.ResourceNotFoundException);

add("DeleteStream", "with its version", async () => {
  const { name, arn } = await stream();
  await kvs.deleteStream({ StreamARN: arn, CurrentVersion: (await describe(name)).Version });
  await isGone(name);
});
add("DeleteStream", "without a version, and its name is free again", async () => {
  const { name, arn } = await stream();
  await kvs.deleteStream({ StreamARN: arn });
  await isGone(name);
  assert.notEqual((await kvs.createStream({ StreamName: name })).StreamARN, arn);
});
add("DeleteStream", "a version that is stale", async () => {
  const { name, arn } = await stream();
  const { Version: stale } = await describe(name);
  await update(name, { MediaType: "audio/L16" });
  await kvs.deleteStream({ StreamARN: arn, CurrentVersion: stale });
});
add("DeleteStream", "a stream that is gone", async () => {
  const { arn } = await stream();
  await kvs.deleteStream({ StreamARN: arn });
  await kvs.deleteStream({ StreamARN: arn });
});
add("DeleteStream", "an ARN of another service", () => kvs.deleteStream({ StreamARN: OTHER_SERVICE_ARN }));

async function tags(name) {
  return (await kvs.listTagsForStream({ StreamName: name })).Tags;
}

add("TagStream", "by name and by ARN", async () => {
  const { name, arn } = await stream();
  await kvs.tagStream({ StreamName: name, Tags: { a: "1", "Größe @ x+y=z/1": "" } });
  await kvs.tagStream({ StreamARN: arn, Tags: { a: "2" } });
  assert.deepEqual(await tags(name), { a: "2", "Größe @ x+y=z/1": "" });
});
add("TagStream", "a key with a comma", async () =>
  kvs.tagStream({ StreamName: (await stream()).name, Tags: { "a,b": "v" } }),
);
add("TagStream", "a 51st tag", async () => {
  const { name } = await stream({ Tags: FIFTY });
  await kvs.tagStream({ StreamName: name, Tags: { one: "more" } });
});
add("TagStream", "a stream that is not there", () => kvs.tagStream({ StreamName: "unknown", Tags: { a: "b" } }));

add("UntagStream", "keys that are there and keys that are not", async () => {
  const { name } = await stream({ Tags: { a: "1", b: "2" } });
  await kvs.untagStream({ StreamName: name, TagKeyList: ["a", "never there"] });
  assert.deepEqual(await tags(name), { b: "2" });
});
add("UntagStream", "no key", async () => kvs.untagStream({ StreamName: (await stream()).name, TagKeyList: [] }));
add("UntagStream", "a stream that is not there", () => kvs.untagStream({ StreamName: "unknown", TagKeyList: ["a"] }));

add("ListTagsForStream", "all of them", async () => {
  const { name, arn } = await stream({ Tags: FIFTY });
  assert.deepEqual(await tags(name), FIFTY);
  assert.deepEqual((await kvs.listTagsForStream({ StreamARN: arn })).Tags, FIFTY);
});
add("ListTagsForStream", "neither name nor ARN", () => kvs.listTagsForStream({}));
add("ListTagsForStream", "a stream that is not there", () => tags("unknown"));

add("GetDataEndpoint", "each of the eight APIs", async () => {
  const { name, arn } = await stream();
  for (const api of APIS) {
    for (const identity of [{ StreamName: name }, { StreamARN: arn }]) {
      const { DataEndpoint } = await kvs.getDataEndpoint({ APIName: api, ...identity });
      assert.equal(DataEndpoint, process.env.AWS_ENDPOINT_URL, api);
    }
  }
});
add("GetDataEndpoint", "an API that is none", async () =>
  kvs.getDataEndpoint({ StreamName: (await stream()).name, APIName: "GET_COFFEE" }),
);
add("GetDataEndpoint", "a stream that is not there", () =>
  kvs.getDataEndpoint({ StreamName: "unknown", APIName: "PUT_MEDIA" }),
);

// A call about a stream, and nothing else: what is not offered answers the same to more.
for (const command of Object.keys(sdk).filter((name) => name.endsWith("Command"))) {
  add(command.slice(0, -"Command".length), "a request", async () => {
    const { name } = await stream({ DataRetentionInHours: 24 });
    await kvs.send(new sdk[command]({ StreamName: name }));
  });
}

const stranger = (accessKeyId) =>
  new sdk.KinesisVideo({ credentials: { accessKeyId, secretAccessKey: "wrong" } }).listStreams({});
add("Signatures", "a secret that is wrong", () => stranger("TYMPANDEV"));
add("Signatures", "a key that is not there", () => stranger("NOBODY"));
