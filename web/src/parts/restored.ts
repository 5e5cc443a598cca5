/** The order that somebody has left unfinished becomes their cart again, where that is empty. */
import { useEffect } from "react";
import { useQuery } from "urql";
import { graphql } from "../gql";
import { cart, change } from "../lib/cart";
import { texts } from "../texts";
import { announce } from "./announce";

const OpenOrder = graphql(`
  query OpenOrder($userId: ID!) {
    orders(userId: $userId, status: [PENDING, FAILED], first: 1) {
      nodes {
        id
        items { productId productName imageUrl quantity unitPrice { amount currency } }
        shippingAddress { country city postCode street houseNumber localNumber }
      }
    }
  }
`);

type Left = {
  id: string;
  items: readonly {
    productId: string;
    productName: string;
    quantity: number;
    unitPrice: { amount: string; currency: string };
  }[];
  shippingAddress: {
    country: string;
    city: string;
    postCode: string;
    street: string;
    houseNumber: string;
    localNumber?: string | null | undefined;
  };
};

/** What was in an order, as a cart: placed again, it is still that order. */
export function refill({ id, items, shippingAddress: at }: Left): void {
  change({
    lines: items.map(({ productId, productName, quantity, unitPrice }) => ({
      productId,
      name: productName,
      quantity,
      seen: { amount: unitPrice.amount, currency: unitPrice.currency },
    })),
    address: {
      country: at.country,
      city: at.city,
      postCode: at.postCode,
      street: at.street,
      houseNumber: at.houseNumber,
      localNumber: at.localNumber ?? "",
    },
    order: id,
    attempt: null,
  });
}

const SEEN = "shop.restored"; // the order that was put back, so that emptying the cart is heeded

/** `userId` is whose: administrators may see everybody's orders, and must not be handed them. */
export function useRestored(userId: string | undefined): void {
  const variables = { userId: userId ?? "" };
  const [{ data }] = useQuery({ query: OpenOrder, variables, pause: userId === undefined });
  const order = data?.orders.nodes[0];
  useEffect(() => {
    if (!order || cart.get().lines.length > 0 || localStorage.getItem(SEEN) === order.id) return;
    localStorage.setItem(SEEN, order.id);
    refill(order);
    announce(texts.cart.restored);
  }, [order]);
}
