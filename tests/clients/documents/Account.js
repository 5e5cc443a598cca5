import { graphql } from "relay-runtime";

graphql`
  fragment Account_balance on Account { balance { amount currency } }
`;

graphql`
  query AccountQuery { viewer { name account { ...Account_balance } } }
`;

graphql`
  subscription AccountSubscription($name: String!) {
    orderResult(executionName: $name) { status }
  }
`;

// What Relay fetches again it asks for by `node(id:)`, whatever its type.
graphql`
  fragment Account_transactions on Account
  @refetchable(queryName: "AccountTransactionsQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 10 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    transactions(first: $first, after: $after, last: $last, before: $before)
      @connection(key: "Account_transactions") {
      edges { node { id reason order { ...Account_order } } }
    }
  }
`;

graphql`
  fragment Account_order on Order @refetchable(queryName: "AccountOrderQuery") {
    status
    items { product { ...Account_product } }
    executions { ...Account_execution }
  }
`;

graphql`
  fragment Account_product on Product @refetchable(queryName: "AccountProductQuery") { available }
`;

graphql`
  fragment Account_execution on Execution @refetchable(queryName: "AccountExecutionQuery") { status }
`;

graphql`
  fragment Account_transaction on Transaction @refetchable(queryName: "AccountTransactionQuery") {
    balance { amount }
  }
`;

graphql`
  fragment Account_user on User @refetchable(queryName: "AccountUserQuery") { name }
`;
