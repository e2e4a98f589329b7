// Starts one service of `emulate`, says where it is, and ends with its standard input.
import { createEmulator } from "emulate";
import net from "node:net";

// It would listen on every interface; a test's peer is for this machine alone.
const listen = net.Server.prototype.listen;
let listens;
const listening = new Promise((resolve) => (listens = resolve));
net.Server.prototype.listen = function (port, ...more) {
  this.once("listening", listens);
  return listen.call(this, { port, host: "127.0.0.1" }, ...more.filter((m) => typeof m === "function"));
};

const peer = await createEmulator(JSON.parse(process.argv[2]));
await listening;
console.log(JSON.stringify({ url: peer.url }));
process.stdin.resume();
process.stdin.on("end", async () => {
  await peer.close();
  process.exit(0);
});
