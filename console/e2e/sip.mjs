// A caller whose name and number are what a test wants, which no telephone would send.
import { createSocket } from 'node:dgram';
import { randomUUID } from 'node:crypto';
import { until } from './server.mjs';

/** What may stand in the user part of a SIP URI (RFC 3261 25.1) as it is. */
const escape = (text) => [...Buffer.from(text)].map((byte) => (/[\w.!~*()-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`)).join('');

/** Calls `to` as `user`, and gives what hangs up. */
export async function callAs(server, { user, name, to = '+18005550100' }) {
  const [host, port] = [server.sip.replace(/:\d+$/, ''), Number(server.sip.replace(/^.*:/, ''))];
  const [signalling, sound] = [createSocket('udp4'), createSocket('udp4')];
  for (const socket of [signalling, sound]) await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const own = `127.0.0.1:${signalling.address().port}`;
  const from = `"${name.replace(/[\\"]/g, '\\$&')}" <sip:${escape(user)}@${own}>;tag=${randomUUID()}`;
  const [uri, id] = [`sip:${to}@${server.sip}`, randomUUID()];
  const sdp = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${sound.address().port} RTP/AVP 0\r\n`;
  const send = (method, sequence, called, body = '') => {
    const type = body && 'Content-Type: application/sdp\r\n';
    const head = `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP ${own};branch=z9hG4bK${randomUUID()};rport\r\nMax-Forwards: 70\r\nFrom: ${from}\r\nTo: ${called}\r\nCall-ID: ${id}\r\nCSeq: ${sequence} ${method}\r\nContact: <sip:${own}>\r\n${type}Content-Length: ${body.length}\r\n\r\n`;
    signalling.send(head + body, port, host);
  };
  let answer, isOver;
  signalling.on('message', (data) => {
    const text = data.toString('utf8');
    if (/^SIP\/2\.0 [2-6][\s\S]*\r\nCSeq: 2 BYE\r\n/i.test(text)) isOver = true;
    const [, status, called] = /^SIP\/2\.0 (\d+)[\s\S]*?\r\nTo: (.*)\r\n/i.exec(text) ?? [];
    if (Number(status) < 200 || !/\r\nCSeq: 1 INVITE\r\n/i.test(text)) return;
    answer = { status, called };
    if (status === '200') send('ACK', 1, called);
  });
  send('INVITE', 1, `<${uri}>`, sdp);
  await until('the call is answered', () => answer);
  if (answer.status !== '200') throw new Error(`the call was answered ${answer.status}`);
  return {
    hangUp: async () => {
      send('BYE', 2, answer.called);
      await until('the call is over', () => isOver);
      for (const socket of [signalling, sound]) socket.close();
    },
  };
}
