// PutMedia, which the SDK has not: signed by the SDK's own signer, carried by node:http.

import assert from "node:assert/strict";
import http from "node:http";
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";

/** A PutMedia request whose body is sent piece by piece. */
export class Upload {
  #request;
  #text = "";
  #ended;
  #heard = () => {};

  static async open(streamName) {
    const url = new URL("/putMedia", process.env.AWS_ENDPOINT_URL);
    const signer = new SignatureV4({
      service: "kinesisvideo",
      region: process.env.AWS_REGION,
      sha256: Sha256,
      credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
    });
    const signed = await signer.sign({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: {},
      headers: {
        host: url.host,
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "x-amzn-stream-name": streamName,
        "x-amzn-fragment-timecode-type": "ABSOLUTE",
        "x-amzn-producer-start-timestamp": (Date.now() / 1000).toFixed(3),
      },
    });
    return new Upload(url, signed.headers);
  }

  constructor(url, headers) {
    this.#request = http.request(url, { method: "POST", headers });
    this.#request.flushHeaders();
    this.#ended = new Promise((resolve, reject) => {
      this.#request.on("error", reject);
      this.#request.on("response", (response) => {
        response.setEncoding("utf8");
        response.on("data", (text) => {
          this.#text += text;
          this.#heard();
        });
        response.on("end", () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`PutMedia: ${response.statusCode} ${this.#text}`));
        });
        response.on("error", reject);
      });
    });
    // Whoever waits for the end hears of it; until then it is nobody's failure.
    this.#ended.catch(() => {});
  }

  send(bytes) {
    this.#request.write(bytes);
  }

  /** The acks so far; only whole lines count. */
  get acks() {
    return this.#text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Waits for an ack of a kind. */
  async untilAck(event) {
    const there = new Promise((resolve) => {
      this.#heard = () => this.acks.some(({ EventType }) => EventType === event) && resolve();
      this.#heard();
    });
    await Promise.race([there, this.#ended]);
    assert(this.acks.some(({ EventType }) => EventType === event), `no ${event}: ${this.#text}`);
  }

  /** Ends the body, and gives the acks once the answer has ended. */
  async finish() {
    this.#request.end();
    await this.#ended;
    return this.acks;
  }
}

/** Uploads a whole file, and gives the numbers of its fragments. */
export async function put(streamName, file) {
  const upload = await Upload.open(streamName);
  upload.send(file);
  const acks = await upload.finish();
  return acks.filter(({ EventType }) => EventType === "PERSISTED").map(({ FragmentNumber }) => FragmentNumber);
}
