import{H as e,a as t,g as n,it as r,n as i,nt as a,x as o}from"./announce-Bf2jqxFm.js";import{a as s,s as c,t as l}from"./gql-L9OeI9xR.js";import{t as u}from"./ids-C2eAIK6J.js";var d=r(a(),1),f=e(),p=l(`
  mutation Deposit($input: MoneyTransferInput!) {
    deposit(input: $input) {
      __typename
      ... on AccountPayload { account { id balance { amount currency } } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);function m({missing:e,after:r}){let[{fetching:a},l]=c(p),m=(0,d.useRef)(new u),[h,g]=(0,d.useState)(``);return(0,f.jsxs)(f.Fragment,{children:[(0,f.jsx)(t,{disabled:a,onClick:async()=>{if(a)return;let t=m.current.id(e),{data:c,error:u}=await l({input:{id:t,amount:e.amount}});if(u)return g(s(u));if(c?.deposit.__typename!==`AccountPayload`)return g(c?.deposit.message??``);m.current.done(),i(o.cart.deposited(n(e))),r?.()},children:o.cart.deposit(n(e))}),h&&(0,f.jsx)(`span`,{role:`alert`,children:h})]})}export{m as n,p as t};