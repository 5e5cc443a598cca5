import{n as e}from"./rolldown-runtime-WkwZ5CU-.js";import{B as t,a as n,b as r,et as i,g as a,n as o}from"./announce-D2kx4yTH.js";import{c as s,f as c,m as l,s as u}from"./cart-ZzkRrHkN.js";var d=e(i(),1),f=t(),p=s(`
  mutation Deposit($input: MoneyTransferInput!) {
    deposit(input: $input) {
      __typename
      ... on AccountPayload { account { id balance { amount currency } } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);function m({missing:e,after:t}){let[{fetching:i},s]=l(p),m=(0,d.useRef)(new u),[h,g]=(0,d.useState)(``);return(0,f.jsxs)(f.Fragment,{children:[(0,f.jsx)(n,{disabled:i,onClick:async()=>{if(i)return;let n=m.current.id(e),{data:l,error:u}=await s({input:{id:n,amount:e.amount}});if(u)return g(c(u));if(l?.deposit.__typename!==`AccountPayload`)return g(l?.deposit.message??``);m.current.done(),o(r.cart.deposited(a(e))),t?.()},children:r.cart.deposit(a(e))}),h&&(0,f.jsx)(`span`,{role:`alert`,children:h})]})}export{m as t};