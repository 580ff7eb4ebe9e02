import { Line, type LineOrder } from './line';

let line: Line | undefined;

onmessage = ({ data }: MessageEvent<LineOrder>): void => {
  if (data.type === 'close') {
    line?.close();
    close();
    return;
  }
  const { address, run, heard, sound } = data;
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  line = new Line(socket, run, heard, (order, transfer) => sound.postMessage(order, transfer), (word) => postMessage(word));
};
