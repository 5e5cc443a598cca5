/** What every screen stands in: the client of whoever is signed in. */
import { CSPProvider } from "@base-ui/react/csp-provider";
import { type ReactNode, useEffect, useState } from "react";
import { Provider } from "urql";
import { newClient } from "../lib/client";
import { session } from "../lib/session";
import { useStore } from "../lib/store";

export function Shop({ children }: { children: ReactNode }) {
  const now = useStore(session);
  // Nobody's is used until it is known who it is, so that nothing is asked twice.
  const whose = now.state === "somebody" || now.state === "ended" ? now.userId : "";
  const [client, setClient] = useState(() => ({ whose, is: newClient() }));
  if (client.whose !== whose) setClient({ whose, is: newClient() });
  useEffect(() => () => client.is.close(), [client]);
  return (
    <CSPProvider disableStyleElements>
      <Provider value={client.is}>{children}</Provider>
    </CSPProvider>
  );
}
