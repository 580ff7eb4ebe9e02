// Bytes between a browser and the console, for tests that break connections as a network would.
import { connect, createServer } from 'node:net';

/** Listens on a port of 127.0.0.1 and passes on what comes, unread but for the question whether it is a WebSocket. */
export async function startProxy(origin) {
  const { hostname, port } = new URL(origin);
  const sockets = new Set();
  const feeds = new Set();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const feed = { left: Infinity, cut: () => (client.resetAndDestroy(), upstream.destroy()) };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        feeds.delete(feed);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      if (/^GET .*\r\nupgrade: websocket/is.test(data.toString('latin1'))) feeds.add(feed);
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      client.write(data.subarray(0, feed.left));
      feed.left -= data.length;
      if (feed.left <= 0) client.end(() => feed.cut());
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** Breaks all WebSockets: now, or after so many bytes more, which may be within a frame. */
    breakFeeds: (bytes = 0) => feeds.forEach((feed) => (bytes > 0 ? (feed.left = bytes) : feed.cut())),
    feeds: () => feeds.size,
    close: () => (sockets.forEach((socket) => socket.destroy()), server.close()),
  };
}
