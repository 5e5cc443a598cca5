import{it as e,j as t,n,nt as r,x as i}from"./announce-D_NVqYq8.js";import{c as a,t as o}from"./gql-y9ejf7HT.js";import{n as s,r as c}from"./ids-CQTUhwzt.js";var l=e(r(),1),u={country:``,city:``,postCode:``,street:``,houseNumber:``,localNumber:``},d=1e3,f=`shop.cart`;function p(){let e={lines:[],address:u,order:null,attempt:null};try{return{...e,...JSON.parse(localStorage.getItem(f)??`{}`)}}catch{return e}}var m=new t(p());function h(e){m.set({...m.get(),...e}),localStorage.setItem(f,JSON.stringify(m.get()))}addEventListener(`storage`,({key:e})=>{(e===f||e===null)&&m.set(p())});function g(e){h({lines:_(m.get().lines,e)})}function _(e,t){let n=Math.min(d,Math.max(0,Math.trunc(t.quantity))),r=e.filter(e=>e.productId!==t.productId);if(n===0)return r;let i=e.findIndex(e=>e.productId===t.productId);return r.toSpliced(i<0?r.length:i,0,{...t,quantity:n})}function v(e){return e.reduce((e,t)=>e+t.quantity,0)}function y(e){let t=JSON.stringify(e),n=m.get().attempt;if(n?.of===t)return n;let r={of:t,orderId:s(),executionName:c()};return h({attempt:r}),r}var b=o(`
  query OpenOrder {
    orders(status: [PENDING, FAILED], first: 1) {
      nodes {
        id
        items { productId productName imageUrl quantity unitPrice { amount currency } }
        shippingAddress { country city postCode street houseNumber localNumber }
      }
    }
  }
`);function x({id:e,items:t,shippingAddress:n}){h({lines:t.map(({productId:e,productName:t,quantity:n,unitPrice:r})=>({productId:e,name:t,quantity:n,seen:{amount:r.amount,currency:r.currency}})),address:{country:n.country,city:n.city,postCode:n.postCode,street:n.street,houseNumber:n.houseNumber,localNumber:n.localNumber??``},order:e,attempt:null})}var S=`shop.restored`;function C(e){let[{data:t}]=a({query:b,pause:e}),r=t?.orders.nodes[0];(0,l.useEffect)(()=>{!r||m.get().lines.length>0||localStorage.getItem(S)===r.id||(localStorage.setItem(S,r.id),x(r),n(i.cart.restored))},[r])}export{m as a,g as c,y as i,C as n,h as o,d as r,v as s,x as t};