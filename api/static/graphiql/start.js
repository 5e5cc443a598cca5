// Opens GraphiQL with the tour in its tabs, and keeps the access token of who signs in.
const url = location.origin + location.pathname;
let token = null;

async function remembering(...request) {
  const response = await fetch(...request);
  const { data } = await response.clone().json();
  for (const payload of Object.values(data ?? {})) {
    token = payload?.session?.accessToken ?? token;
  }
  return response;
}

const send = GraphiQL.createFetcher({
  url,
  subscriptionUrl: url.replace(/^http/, "ws"),
  fetch: remembering,
});

function fetcher(parameters, options) {
  const typed = options?.headers ?? {};
  const own = Object.keys(typed).some((name) => name.toLowerCase() === "authorization");
  const headers = token && !own ? { ...typed, Authorization: `Bearer ${token}` } : typed;
  return send(parameters, { ...options, headers });
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultTabs: JSON.parse(document.getElementById("tabs").textContent),
    storage: GraphiQL.createLocalStorage({ namespace: "shop" }),
    defaultEditorToolsVisibility: false,
    isHeadersEditorEnabled: true,
  }),
);
