// Makes calls with the official SDK: one JSON object a line in, `{call, args}`, and one out.
import * as sdk from "@notionhq/client";
import readline from "node:readline";

const notion = new sdk.Client({ ...JSON.parse(process.argv[2]), logLevel: "error", logger: () => {} });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line);
  const [group, method] = call.split(".");
  let told;
  try {
    const client = method ? notion[group] : notion;
    told = { answer: await (call in sdk ? sdk[call](args) : client[method ?? group](args)) };
  } catch (error) {
    told = { error: { name: error.name, code: error.code, status: error.status, message: error.message } };
  }
  console.log(JSON.stringify(told));
}
