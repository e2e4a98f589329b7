// Writes schemas.json from the types of the official SDK: `npm ci && node generate.mjs`.
import { createGenerator } from "ts-json-schema-generator";
import fs from "node:fs";
import path from "node:path";

const SDK = "node_modules/@notionhq/client";
const VERSION = JSON.parse(fs.readFileSync(`${SDK}/package.json`, "utf8")).version;

// Each request is checked as the SDK's parameters: path, query and body together.
const REQUESTS = {
  createDatabase: "CreateDatabaseParameters",
  getDatabase: "GetDatabaseParameters",
  updateDatabase: "UpdateDatabaseParameters",
  createDataSource: "CreateDataSourceParameters",
  getDataSource: "GetDataSourceParameters",
  updateDataSource: "UpdateDataSourceParameters",
  queryDataSource: "QueryDataSourceParameters",
  createPage: "CreatePageParameters",
  getPage: "GetPageParameters",
  updatePage: "UpdatePageParameters",
  search: "SearchParameters",
  getSelf: "GetSelfParameters",
  getUser: "GetUserParameters",
  listUsers: "ListUsersParameters",
  createView: "CreateViewParameters",
  getView: "GetViewParameters",
  updateView: "UpdateViewParameters",
  deleteView: "DeleteViewParameters",
  listDatabaseViews: "ListDatabaseViewsParameters",
};
// The SDK also allows partial objects, which Notion sends to whom it hides the rest from; this
// peer hides nothing, so its answers are held to the whole ones.
const ANSWERS = {
  database: "DatabaseObjectResponse",
  dataSource: "DataSourceObjectResponse",
  page: "PageObjectResponse",
  query: "QueryDataSourceResponse",
  search: "SearchResponse",
  user: "UserObjectResponse",
  users: "ListUsersResponse",
  view: "DataSourceViewObjectResponse",
  deletedView: "DeleteViewResponse",
  views: "ListDatabaseViewsResponse",
};
const EVENTS = {
  "page.created": "PageCreatedWebhookPayload",
  "page.properties_updated": "PagePropertiesUpdatedWebhookPayload",
  "page.deleted": "PageDeletedWebhookPayload",
  "page.undeleted": "PageUndeletedWebhookPayload",
  "data_source.schema_updated": "DataSourceSchemaUpdatedWebhookPayload",
};

const generator = createGenerator({
  path: `${SDK}/build/src/api-endpoints/*.d.ts`,
  expose: "all",
  skipTypeCheck: true,
  jsDoc: "none",
});
const definitions = {};
const roots = (types) =>
  Object.fromEntries(
    Object.entries(types).map(([name, type]) => {
      const schema = generator.createSchema(type);
      Object.assign(definitions, schema.definitions);
      return [name, schema.$ref];
    }),
  );
const refs = { requests: roots(REQUESTS), answers: roots(ANSWERS), events: roots(EVENTS) };

// Version 2026-03-11 has no `archived`, in requests or answers; the types keep it for older ones.
// A page's content is outside this peer, so its blocks are no part of what it takes.
for (const [name, definition] of Object.entries(definitions)) leave(definition, ["archived"], name);
leave(definitions.CreatePageParameters, ["children", "content", "markdown", "template"]);

function leave(schema, names) {
  for (const name of names) {
    if (schema.properties) delete schema.properties[name];
    if (schema.required) schema.required = schema.required.filter((other) => other !== name);
  }
  for (const inner of [...(schema.anyOf ?? []), ...(schema.allOf ?? [])]) leave(inner, names);
}

// Inline types are named after places in a file of this machine: they are numbered instead.
const names = new Map();
const plain = (name) => (/^\w+$/.test(name) ? name : `Inline${names.size + 1}`);
const REF = "#/definitions/";
function reach(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(reach);
  if (typeof value.$ref === "string") {
    const name = decodeURIComponent(value.$ref.replace(REF, ""));
    if (!names.has(name)) {
      names.set(name, plain(name));
      written[names.get(name)] = reach(definitions[name]);
    }
    return { $ref: REF + names.get(name) };
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reach(inner)]));
}
const written = {};
for (const group of Object.values(refs)) for (const [name, $ref] of Object.entries(group)) group[name] = reach({ $ref }).$ref;

const lines = Object.keys(written).sort().map((name) => `${JSON.stringify(name)}: ${JSON.stringify(written[name])}`);
const groups = Object.entries(refs).map(([name, group]) => `"${name}": ${JSON.stringify(group, null, 1)}`);
const text = `{\n"sdk": ${JSON.stringify(VERSION)},\n${groups.join(",\n")},\n"definitions": {\n${lines.join(",\n")}\n}\n}\n`;
JSON.parse(text);
fs.writeFileSync(path.join(import.meta.dirname, "schemas.json"), text);
