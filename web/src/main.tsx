import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { begin } from "./lib/session";
import { Shop } from "./parts/shop";
import { router } from "./router";
import { readTexts } from "./texts";
import "./styles.css";

void begin();
await readTexts();

createRoot(document.getElementById("shop")!).render(
  <StrictMode>
    <Shop>
      <RouterProvider router={router} />
    </Shop>
  </StrictMode>,
);
