// AWS Signature Version 4, for what the tests ask of the APIs beside the pages.
import { createHash, createHmac } from 'node:crypto';

/** @typedef {{ accessKeyId: string, secretAccessKey: string }} Keys */

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());

/** Query parameters as the signature wants them: encoded, then in order. */
export function canonicalQuery(search) {
  const pairs = [...new URLSearchParams(search)].map(([name, value]) => [encode(name), encode(value)]);
  pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

/** Each segment of a path is encoded once more than in the request line. */
export const canonicalPath = (path) => path.split('/').map(encode).join('/');

/**
 * Headers that sign a request.
 * @param {{ method: string, url: URL, body?: Buffer, service: string, region: string, keys: Keys,
 *   extra?: Record<string, string>, now?: Date }} request
 */
export function sign({ method, url, body = Buffer.alloc(0), service, region, keys, extra = {}, now = new Date() }) {
  const stamp = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = stamp.slice(0, 8);
  const payload = sha256(body);
  const headers = { ...extra, host: url.host, 'x-amz-content-sha256': payload, 'x-amz-date': stamp };
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    canonicalPath(url.pathname),
    canonicalQuery(url.search),
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    payload,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac('AWS4' + keys.secretAccessKey, day), region), service), 'aws4_request');
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}
