"""Who may ask for what: a row for each field of the schema."""

YES, NO, NULL = "yes", "FORBIDDEN", "null"
WHO, UNKNOWN = "UNAUTHENTICATED", "NOT_FOUND"
WAITS = "waits"
PUBLIC = (YES, YES, YES, YES)
SIGNED_IN = (WHO, YES, YES, YES)
ADMINISTRATORS = (WHO, NO, NO, YES)
OWN_OBJECT = (WHO, YES, UNKNOWN, UNKNOWN)
OWN_NAME = (WHO, YES, NULL, NULL)

# For each root field: a document (with the names below in it) and what becomes of it for a visitor,
# for the customer whose things they are, for another customer and for an administrator.
ROOTS: dict[str, tuple[str, tuple[str, str, str, str]]] = {
    "Query.node": ('{ node(id: "$done") { id } }', (NULL, YES, NULL, YES)),
    "Query.viewer": ("{ viewer { id } }", (NULL, YES, YES, YES)),
    "Query.product": ('{ product(id: "$product") { id } }', PUBLIC),
    "Query.products": ("{ products { totalCount } }", PUBLIC),
    "Query.order": ('{ order(id: "$done") { id } }', (WHO, YES, NULL, YES)),
    "Query.orders": ('{ orders(userId: "$owner") { totalCount } }', (WHO, YES, NO, YES)),
    "Query.execution": ('{ execution(name: "$run") { name } }', OWN_NAME),
    "Query.user": ('{ user(id: "$owner") { id } }', ADMINISTRATORS),
    "Query.executions": ("{ executions { totalCount } }", ADMINISTRATORS),
    "Query.events": ("{ events { __typename } }", ADMINISTRATORS),
    "Query.orderAsOf": ('{ orderAsOf(id: "$done", version: 1) { id } }', ADMINISTRATORS),
    "Query.projections": ("{ projections { name } }", ADMINISTRATORS),
    "Mutation.signUp": (
        'mutation { signUp(input: { email: "x", password: "x", name: "x" }) { __typename } }',
        PUBLIC,
    ),
    "Mutation.verifyEmail": (
        'mutation { verifyEmail(input: { email: "$nobody", code: "0" }) { __typename } }',
        PUBLIC,
    ),
    "Mutation.requestVerificationCode": (
        'mutation { requestVerificationCode(email: "$nobody") { email } }',
        PUBLIC,
    ),
    "Mutation.signIn": (
        'mutation { signIn(input: { email: "$nobody", password: "x" }) { __typename } }',
        PUBLIC,
    ),
    "Mutation.refreshSession": (
        'mutation { refreshSession(refreshToken: "x") { __typename } }',
        PUBLIC,
    ),
    "Mutation.signOut": ('mutation { signOut(refreshToken: "x") { ok } }', PUBLIC),
    "Mutation.requestPasswordReset": (
        'mutation { requestPasswordReset(email: "$nobody") { email } }',
        PUBLIC,
    ),
    "Mutation.resetPassword": (
        (
            'mutation { resetPassword(input: { email: "$nobody", code: "0", newPassword: "x" }) {'
            " __typename } }"
        ),
        PUBLIC,
    ),
    "Mutation.createProducts": (
        (
            'mutation { createProducts(input: [{ name: "x", imageUrl: "/x", price: 1,'
            " quantity: 1 }]) { __typename } }"
        ),
        ADMINISTRATORS,
    ),
    "Mutation.updateProduct": (
        'mutation { updateProduct(input: { id: "$product", name: "x" }) { __typename } }',
        ADMINISTRATORS,
    ),
    "Mutation.adjustStock": (
        (
            'mutation { adjustStock(input: { productId: "$product", by: 1, reason: "x" }) {'
            " __typename } }"
        ),
        ADMINISTRATORS,
    ),
    "Mutation.discontinueProducts": (
        'mutation { discontinueProducts(ids: ["$old"]) { __typename } }',
        ADMINISTRATORS,
    ),
    "Mutation.deposit": ('mutation { deposit(input: { amount: "1" }) { __typename } }', SIGNED_IN),
    "Mutation.withdraw": (
        'mutation { withdraw(input: { amount: "1" }) { __typename } }',
        SIGNED_IN,
    ),
    "Mutation.createOrder": (
        (
            'mutation { createOrder(input: { items: [{ productId: "$product", quantity: 1 }],'
            ' total: "10", shippingAddress: $address }) { __typename } }'
        ),
        SIGNED_IN,
    ),
    "Mutation.placeOrder": (
        (
            'mutation { placeOrder(input: { orderId: "$first", executionName: "$first" }) {'
            " ... on Problem { code } } }"
        ),
        OWN_OBJECT,
    ),
    "Mutation.changeOrder": (
        (
            'mutation { changeOrder(input: { orderId: "$second", total: "10" }) {'
            " ... on Problem { code } } }"
        ),
        OWN_OBJECT,
    ),
    "Mutation.cancelOrder": (
        'mutation { cancelOrder(orderId: "$second") { ... on Problem { code } } }',
        OWN_OBJECT,
    ),
    "Subscription.orderResult": (
        'subscription { orderResult(executionName: "$run") { status } }',
        (WHO, YES, WAITS, WAITS),
    ),
    "Subscription.orderProgress": (
        'subscription { orderProgress(executionName: "$run") { number } }',
        (WHO, YES, WAITS, WAITS),
    ),
    "Subscription.productChanged": (
        'subscription { productChanged(ids: ["$product"]) { id } }',
        (WAITS, WAITS, WAITS, WAITS),
    ),
    "Subscription.accountChanged": (
        "subscription { accountChanged { id } }",
        (WHO, WAITS, WAITS, WAITS),
    ),
}
# Fields that ask for more than the object that they are a field of, however one comes to it.
GUARDED: dict[str, list[tuple[str, tuple[str, str, str, str]]]] = {
    "Product.stock": [
        ('{ product(id: "$product") { stock { onHand } } }', ADMINISTRATORS),
        ('{ products(ids: ["$product"]) { nodes { stock { onHand } } } }', ADMINISTRATORS),
        (
            '{ order(id: "$done") { items { product { stock { onHand } } } } }',
            (WHO, NO, NULL, YES),
        ),
    ]
}
# All fields of these are for whoever was given the object.
GIVEN = {
    "ProjectionStatus": "name state position lag",
    "RecordedEvent": "position streamId version type data recordedAt",
    "RecordedEventConnection": "edges nodes pageInfo",
    "RecordedEventEdge": "cursor node",
    "Account": "id balance transactions",
    "AccountPayload": "account transaction",
    "Address": "country city postCode street houseNumber localNumber",
    "AuthenticationProblem": "code message",
    "ConflictProblem": "code message",
    "Execution": "id name status order steps problem startedAt finishedAt",
    "ExecutionConnection": "edges nodes pageInfo totalCount",
    "ExecutionEdge": "cursor node",
    "ExecutionStep": "executionName number type productId at",
    "FieldProblem": "path message",
    "InsufficientFundsProblem": "code message balance required",
    "Money": "amount currency",
    "NotFoundProblem": "code message id",
    "Order": (
        "number allowedActions id status customer items shippingAddress"
        " total shipment problem executions createdAt updatedAt"
    ),
    "OrderConnection": "edges nodes pageInfo totalCount",
    "OrderEdge": "cursor node",
    "OrderItem": "productId product productName imageUrl unitPrice quantity subtotal",
    "OrderPayload": "order",
    "OrderResult": "executionName status order problem",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "PlaceOrderPayload": "execution",
    "CancelledProblem": "code message",
    "ProcessingFailedProblem": "code message",
    "Product": "id name imageUrl price available discontinued createdAt",
    "ProductConnection": "edges nodes pageInfo totalCount",
    "ProductEdge": "cursor node",
    "ProductPayload": "product",
    "ProductsPayload": "products",
    "ProductsUnavailableProblem": "code message products",
    "RequestCodePayload": "email",
    "ResetPasswordPayload": "email",
    "Session": "accessToken accessTokenExpiresAt refreshToken user",
    "Shipment": "id address preparedAt",
    "SignInPayload": "session",
    "SignOutPayload": "ok",
    "SignUpPayload": "email",
    "Stock": "onHand reserved available",
    "Transaction": "id type reason amount balance order createdAt",
    "TransactionConnection": "edges nodes pageInfo totalCount",
    "TransactionEdge": "cursor node",
    "UnavailableProduct": "productId name requested available",
    "User": "id email name role emailVerified createdAt account orders",
    "ValidationProblem": "code message fields",
    "VerifyEmailPayload": "user",
    "WrongOrderPriceProblem": "code message provided calculated",
}
