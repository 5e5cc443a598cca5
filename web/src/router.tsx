/** Which screen stands at which address; what is filtered or searched for stands there too. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { Bones, Loading } from "./parts/asking";
import { Empty } from "./parts/basics";
import { Frame } from "./parts/frame";
import { STATUSES } from "./parts/status";
import { Products } from "./screens/products";
import { texts } from "./texts";

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Without what is not set: an address shows what was chosen and nothing else. */
const only = <T extends object>(search: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as never;

const root = createRootRoute({ component: Frame });

const products = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: Products,
  validateSearch: (search: Record<string, unknown>) =>
    only({ q: text(search.q), there: search.there === true ? true : undefined }),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: lazyRouteComponent(() => import("./screens/sign-in"), "SignIn"),
  validateSearch: (search: Record<string, unknown>) => only({ to: text(search.to) }),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  component: lazyRouteComponent(() => import("./screens/sign-up"), "SignUp"),
});

const email = (search: Record<string, unknown>) => only({ email: text(search.email) });

const verify = createRoute({
  getParentRoute: () => root,
  path: "/verify",
  component: lazyRouteComponent(() => import("./screens/verify"), "Verify"),
  validateSearch: email,
});

const password = createRoute({
  getParentRoute: () => root,
  path: "/password",
  component: lazyRouteComponent(() => import("./screens/password"), "Password"),
  validateSearch: email,
});

const cart = createRoute({
  getParentRoute: () => root,
  path: "/cart",
  component: lazyRouteComponent(() => import("./screens/cart"), "CartScreen"),
});

const execution = createRoute({
  getParentRoute: () => root,
  path: "/executions/$name",
  component: lazyRouteComponent(() => import("./screens/progress"), "Progress"),
});

const orders = createRoute({
  getParentRoute: () => root,
  path: "/orders",
  component: lazyRouteComponent(() => import("./screens/orders"), "Orders"),
  validateSearch: (search: Record<string, unknown>) =>
    only({ status: STATUSES.find((status) => status === search.status) }),
});

const order = createRoute({
  getParentRoute: () => root,
  path: "/orders/$id",
  component: lazyRouteComponent(() => import("./screens/order"), "OrderScreen"),
});

const account = createRoute({
  getParentRoute: () => root,
  path: "/account",
  component: lazyRouteComponent(() => import("./screens/account"), "Account"),
});

const manage = createRoute({
  getParentRoute: () => root,
  path: "/manage",
  component: lazyRouteComponent(() => import("./screens/manage"), "Manage"),
});

function Nothing() {
  return <Empty whole title={texts.state.gone} text={texts.state.goneText} />;
}

export const router = createRouter({
  routeTree: root.addChildren([
    products,
    signIn,
    signUp,
    verify,
    password,
    cart,
    execution,
    orders,
    order,
    account,
    manage,
  ]),
  defaultPreload: "intent",
  defaultPendingComponent: () => (
    <Loading>
      <Bones className="h-72" />
    </Loading>
  ),
  defaultNotFoundComponent: Nothing,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
