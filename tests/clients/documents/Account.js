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
