// A fragment of media with tags of its own, as a producer sends it (PutMedia).
import { sign } from './sigv4.mjs';

/** An EBML element (RFC 8794); its size takes eight bytes, an unknown one is all ones. */
function element(id, ...parts) {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : typeof part === 'number' ? number(part) : part)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(body.length) | (1n << 56n));
  return Buffer.concat([Buffer.from(id, 'hex'), size, body]);
}

function number(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Puts a fragment of one frame, with these tags, to a stream. */
export async function putFragment(server, streamName, tags) {
  const track = element('1654ae6b', element('ae', element('d7', 1), element('73c5', 1), element('83', 2), element('86', 'A_MS/ACM'), element('536e', 'AUDIO')));
  const frame = Buffer.concat([Buffer.from([0x81, 0, 0, 0x80]), Buffer.alloc(160, 0xff)]);
  const cluster = element('1f43b675', element('e7', Date.now()), element('a3', frame));
  const simple = Object.entries(tags).map(([name, value]) => element('67c8', element('45a3', name), element('4487', value)));
  const segment = element('18538067', element('1549a966', element('2ad7b1', 1_000_000)), track, element('1254c367', element('7373', element('63c0'), ...simple)), cluster);
  return putBody(server, streamName, Buffer.concat([element('1a45dfa3', element('4282', 'matroska')), segment]));
}

/** Puts these bytes to a stream, whatever they are. */
export async function putBody(server, streamName, body) {
  const url = new URL('/putMedia', server.http);
  const extra = { 'x-amzn-stream-name': streamName, 'x-amzn-fragment-timecode-type': 'ABSOLUTE', 'x-amzn-producer-start-timestamp': (Date.now() / 1000).toFixed(3) };
  const headers = sign({ method: 'POST', url, body, service: 'kinesisvideo', region: server.region, keys: server.keys, extra });
  const answer = await fetch(url, { method: 'POST', headers, body });
  return { status: answer.status, text: await answer.text() };
}
