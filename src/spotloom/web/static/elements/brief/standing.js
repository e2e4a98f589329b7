// What stands between the brief and its order now: what is left of the budgets, and what is in the queue already.
import { api } from "../../core/api.js";
import { signal } from "../../vendor/lit.js";
import { data } from "./draft.js";

/** `{caps, ahead}`: the workspace's budgets, and how many videos of other campaigns are in the lane. */
export const standing = signal({ caps: data.caps, ahead: data.ahead });

export async function lookAgain() {
  const [caps, queue] = await Promise.all([api.get("/api/budget"), api.get("/api/queue/status?ahead=0")]);
  const { provider, account } = data.lane;
  const lane = queue.lanes.find((each) => each.provider === provider && each.account === account);
  standing.set({ caps, ahead: lane ? lane.waiting + lane.held : 0 });
}
