import{D as e,H as t,M as n,N as r,l as i,o as a,p as o,s,x as c}from"./announce-Bf2jqxFm.js";import{t as l}from"./useParams-Dge0vACB.js";import{c as u,i as d,l as f,n as p,r as m,t as h}from"./gql-L9OeI9xR.js";import{n as g,r as _,t as v}from"./timeline-BSYmVhyh.js";import{t as y}from"./sign-in-first-B7aQQIn0.js";var b=t(),x=h(`
  query Execution($name: String!) {
    execution(name: $name) {
      id name status startedAt finishedAt
      steps { number type productId at }
      problem { ...Ended }
      order {
        id status total { amount currency }
        items { productId productName imageUrl quantity unitPrice { amount currency } }
        shippingAddress { country city postCode street houseNumber localNumber }
      }
    }
  }
  fragment Ended on Problem {
    __typename code message
    ... on ProductsUnavailableProblem { products { productId name requested available } }
    ... on WrongOrderPriceProblem { provided { amount currency } calculated { amount currency } }
    ... on InsufficientFundsProblem { balance { amount currency } required { amount currency } }
  }
`),S=h(`
  subscription OrderProgress($name: String!) {
    orderProgress(executionName: $name) { executionName number type productId at }
  }
`);function C(){let{name:t}=l({from:`/executions/$name`}),{state:r}=n(e);return r===`nobody`?(0,b.jsx)(y,{}):(0,b.jsx)(w,{name:t,pause:r===`unknown`},t)}function w({name:e,pause:t}){let[{data:n,error:l,fetching:h},y]=u({query:x,variables:{name:e},pause:t,requestPolicy:`cache-and-network`}),C=n?.execution?.finishedAt!=null,[{data:w=[]}]=f({query:S,variables:{name:e},pause:t||C},(e=[],{orderProgress:t})=>(T(t)&&y({requestPolicy:`network-only`}),g(e,t)));if(l&&!n)return(0,b.jsx)(m,{error:l,again:()=>y({requestPolicy:`network-only`})});if(!n&&(h||t||w.length===0))return(0,b.jsx)(d,{children:(0,b.jsx)(p,{className:`mx-auto h-96 max-w-3xl`})});let D=n?.execution??null;if(D===null&&w.length===0&&!h)return(0,b.jsx)(s,{whole:!0,title:c.progress.unknown,text:c.progress.unknownText,children:(0,b.jsx)(r,{to:`/`,className:i.strong,children:c.state.toProducts})});let O=C?D.steps:w.length>0?w:D?.steps??[];return(0,b.jsxs)(`div`,{className:`mx-auto max-w-3xl`,children:[(0,b.jsx)(o,{children:c.progress.title}),(0,b.jsxs)(`div`,{className:`flex flex-col gap-6`,children:[(0,b.jsx)(_,{execution:D,steps:O}),(0,b.jsxs)(a,{children:[(0,b.jsx)(`h2`,{className:`mb-5 text-xl font-bold`,children:c.progress.steps}),(0,b.jsx)(v,{steps:O,names:E(D),running:!C&&!O.some(T)})]})]})]})}function T({type:e}){return e===`SUCCEEDED`||e===`FAILED`}function E(e){return new Map(e?.order.items.map(e=>[e.productId,e.productName]))}export{C as Progress};