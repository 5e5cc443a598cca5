import{H as e,N as t,a as n,c as r,f as i,g as a,it as o,l as s,n as c,nt as l,o as u,p as d,s as f,x as p,y as m}from"./announce-Bf2jqxFm.js";import{a as h,c as g,i as _,n as v,r as y,s as b,t as x}from"./gql-L9OeI9xR.js";import{t as S}from"./ids-C2eAIK6J.js";import{t as C}from"./deposit-pAKS6K92.js";import{n as w}from"./frame-uVSCOYAE.js";import{t as T}from"./person-BNmvAksF.js";import{r as E}from"./status-B_JnB8iX.js";var D=o(l(),1),O=e(),k=x(`
  mutation Withdraw($input: MoneyTransferInput!) {
    withdraw(input: $input) {
      __typename
      ... on AccountPayload { account { id balance { amount currency } } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
      ... on InsufficientFundsProblem { balance { amount currency } }
    }
  }
`),A=x(`
  query Transactions($after: String) {
    viewer {
      id
      createdAt
      account {
        id
        transactions(first: 20, after: $after) {
          nodes {
            id type reason createdAt
            amount { amount currency }
            balance { amount currency }
            order { id number }
          }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
`);function j(){return(0,O.jsxs)(O.Fragment,{children:[(0,O.jsx)(d,{children:p.account.title}),(0,O.jsx)(T,{titled:!0,children:(0,O.jsx)(M,{})})]})}function M(){let e=w();if(!e)return(0,O.jsx)(_,{children:(0,O.jsx)(v,{className:`h-72`})});let{account:n}=e;return(0,O.jsxs)(`div`,{className:`grid items-start gap-6 lg:grid-cols-[2fr_3fr]`,children:[(0,O.jsxs)(`div`,{className:`flex flex-col gap-6`,children:[n?(0,O.jsxs)(u,{children:[(0,O.jsx)(`h2`,{className:`text-soft`,children:p.account.balance}),(0,O.jsx)(`p`,{"aria-live":`polite`,className:`mb-6 text-4xl font-black tabular-nums`,children:a(n.balance)}),(0,O.jsx)(N,{balance:n.balance})]}):(0,O.jsx)(f,{title:p.account.noAccount}),(0,O.jsxs)(u,{children:[(0,O.jsx)(`h2`,{className:`mb-3 text-xl font-bold`,children:p.account.you}),(0,O.jsxs)(`dl`,{className:`grid grid-cols-[auto_1fr] gap-x-6 gap-y-1`,children:[(0,O.jsx)(`dt`,{className:`text-soft`,children:p.account.name}),(0,O.jsx)(`dd`,{className:`break-words`,children:e.name}),(0,O.jsx)(`dt`,{className:`text-soft`,children:p.account.email}),(0,O.jsx)(`dd`,{className:`break-all`,children:e.email})]}),(0,O.jsx)(t,{to:`/password`,search:{},className:`${s.quiet} mt-3 -ml-3`,children:p.account.password})]})]}),(0,O.jsx)(P,{})]})}function N({balance:e}){let[t,i]=(0,D.useState)(``),[o,s]=(0,D.useState)(),[l,u]=b(C),[d,f]=b(k),g=(0,D.useRef)({deposit:new S,withdraw:new S}),_=l.fetching||d.fetching,v=async n=>{let r=m(t,e.currency);if(_)return;if(r===null||!/[1-9]/.test(r))return s(t.trim()?p.signUp.badAmount(`12.50`):p.signIn.required);s(void 0);let o={amount:r,id:g.current[n].id(r)},{data:l,error:d}=n===`deposit`?await u({input:o}):await f({input:o});if(d)return s(h(d));let v=l&&(`deposit`in l?l.deposit:l.withdraw);if(!v)return;if(v.__typename===`InsufficientFundsProblem`)return s(p.account.tooLittle(a(v.balance)));if(v.__typename===`ValidationProblem`)return s(v.fields.map(({message:e})=>e).join(` `));if(v.__typename!==`AccountPayload`)return s(v.message);g.current[n].done(),i(``);let y=a({amount:r,currency:e.currency});c(n===`deposit`?p.account.deposited(y):p.account.withdrawn(y))};return(0,O.jsxs)(`form`,{noValidate:!0,onSubmit:e=>{e.preventDefault(),v(`deposit`)},className:`flex flex-col gap-4`,children:[(0,O.jsx)(r,{label:`${p.account.amount} (${e.currency})`,name:`amount`,inputMode:`decimal`,autoComplete:`off`,value:t,onChange:e=>i(e.target.value),problem:o}),(0,O.jsxs)(`div`,{className:`grid grid-cols-1 gap-3 sm:grid-cols-2`,children:[(0,O.jsx)(n,{look:`strong`,type:`submit`,disabled:_,children:p.account.deposit}),(0,O.jsx)(n,{disabled:_,onClick:()=>v(`withdraw`),children:p.account.withdraw})]})]})}function P(){let[e,t]=(0,D.useState)(null),[{data:r,error:i,fetching:a},o]=g({query:A,variables:{after:e},requestPolicy:`cache-and-network`});if(i&&!r)return(0,O.jsx)(y,{error:i,again:()=>o({requestPolicy:`network-only`})});let s=r?.viewer?.account?.transactions;return s?s.nodes.length===0?(0,O.jsx)(f,{title:p.account.none,text:p.account.noneText}):(0,O.jsxs)(`section`,{children:[(0,O.jsx)(`h2`,{className:`sr-only`,children:p.account.transactions}),(0,O.jsx)(u,{flush:!0,children:(0,O.jsx)(`ul`,{className:`divide-y divide-line`,children:s.nodes.map(e=>(0,O.jsx)(F,{transaction:e},e.id))})}),s.pageInfo.hasNextPage&&(0,O.jsx)(`div`,{className:`mt-6 text-center`,children:(0,O.jsx)(n,{disabled:a,onClick:()=>t(s.pageInfo.endCursor??null),children:p.state.more})})]}):(0,O.jsx)(_,{children:(0,O.jsx)(v,{className:`h-96`})})}function F({transaction:e}){let{type:n,reason:r,createdAt:o,amount:s,balance:c,order:l}=e,u=n===`DEBIT`?{...s,amount:`-${s.amount}`}:s;return(0,O.jsxs)(`li`,{className:`flex flex-wrap items-center justify-between gap-x-6 gap-y-1 p-4 sm:px-5`,children:[(0,O.jsxs)(`span`,{children:[(0,O.jsx)(`span`,{className:`block font-semibold`,children:p.account.reason[r]}),(0,O.jsxs)(`span`,{className:`text-sm text-soft`,children:[(0,O.jsx)(E,{at:o}),l&&(0,O.jsxs)(O.Fragment,{children:[` · `,(0,O.jsx)(t,{to:`/orders/$id`,params:{id:l.id},className:`underline underline-offset-4`,children:p.orders.number(l.number)})]})]})]}),(0,O.jsxs)(`span`,{className:`text-right`,children:[(0,O.jsx)(i,{money:u,className:`block text-lg font-bold ${n===`DEBIT`?``:`text-good`}`}),(0,O.jsx)(`span`,{className:`text-sm text-soft tabular-nums`,children:p.account.after(a(c))})]})]})}export{j as Account};