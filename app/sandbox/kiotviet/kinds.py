"""What kinds of records a shop has, and how each is listed: one row a kind, as the contract gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Filter:
    """How a parameter picks rows: `field` is compared as `how` says.

    ids: one of several numbers · flag: a truth value · equal: the same text · has: contains the text
    since, until: a moment on or after, on or before
    """

    how: str
    field: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: `path` is where it is listed, `id` the name of its number, `removed` of its deleted numbers.

    `optional` are members that a list has only when a parameter asks for them; `error` is the class that the channel
    names when one is not found; `prefix` begins the codes that are made up; `noun` is what people call it.
    """

    name: str
    path: str
    noun: str
    id: str = "id"
    removed: str = "removedIds"
    error: str = "KvException"
    prefix: str = ""
    title: str = "name"
    optional: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)


_DOCUMENT = {
    "branchids": Filter("ids", "branchId"),
    "customerids": Filter("ids", "customerId"),
    "customercode": Filter("equal", "customerCode"),
    "status": Filter("ids", "status"),
    "salechannelid": Filter("ids", "saleChannelId"),
    "todate": Filter("until", "changed_us"),
}
_PURCHASED = {
    "frompurchasedate": Filter("since", "purchaseDate"),
    "topurchasedate": Filter("until", "purchaseDate"),
}

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "product",
            "products",
            "Hàng hóa",
            error="KvValidateProductException",
            prefix="SP",
            title="fullName",
            optional={
                "inventories": "includeinventory",
                "priceBooks": "includepricebook",
                "productSerials": "includeserials",
                "productBatchExpires": "includebatchexpires",
                "productWarranties": "includewarranties",
                "productFormulas": "includematerial",
                "productShelves": "includeproductshelves",
                "minQuantity": "includequantity",
                "maxQuantity": "includequantity",
            },
            filters={
                "masterunitid": Filter("ids", "masterUnitId"),
                "masterproductid": Filter("ids", "masterProductId"),
                "categoryid": Filter("ids", "categoryId"),
                "trademarkid": Filter("ids", "tradeMarkId"),
                "producttype": Filter("ids", "type"),
                "isactive": Filter("flag", "isActive"),
                "name": Filter("has", "name"),
            },
        ),
        Kind(
            "customer",
            "customers",
            "Khách hàng",
            removed="removeId",
            error="KvValidateCustomerException",
            prefix="KH",
            optional={
                "totalInvoiced": "includetotal",
                "totalRevenue": "includetotal",
                "totalPoint": "includetotal",
                "groups": "includecustomergroup",
            },
            filters={
                "code": Filter("has", "code"),
                "name": Filter("has", "name"),
                "contactnumber": Filter("equal", "contactNumber"),
                "birthdate": Filter("equal", "birthDate"),
                "groupid": Filter("ids", "groupId"),
            },
        ),
        Kind(
            "order",
            "orders",
            "Đơn đặt hàng",
            prefix="DH",
            title="customerName",
            optional={"payments": "includepayment", "orderDelivery": "includeorderdelivery"},
            filters=_DOCUMENT,
        ),
        Kind(
            "invoice",
            "invoices",
            "Hóa đơn",
            error="KvValidateInvoiceException",
            prefix="HD",
            title="customerName",
            optional={"payments": "includepayment", "invoiceDelivery": "includeinvoicedelivery"},
            filters={**_DOCUMENT, **_PURCHASED, "orderid": Filter("ids", "orderId")},
        ),
        Kind("return", "returns", "Phiếu trả hàng", prefix="TH", optional={"payments": "includepayment"}),
        Kind(
            "purchaseorder",
            "purchaseorders",
            "Phiếu nhập hàng",
            error="KvValidatePurchaseOrderException",
            prefix="PN",
            title="supplierName",
            optional={"payments": "includepayment"},
            filters={"branchids": _DOCUMENT["branchids"], "status": _DOCUMENT["status"], **_PURCHASED},
        ),
        Kind("category", "categories", "Nhóm hàng", id="categoryId", title="categoryName"),
        Kind("branch", "branches", "Chi nhánh", title="branchName"),
        Kind("user", "users", "Người dùng", removed="removeIds", error="KvValidateUserException", title="givenName"),
        Kind("bankaccount", "bankaccounts", "Tài khoản", removed="removeIds", title="bankName"),
        Kind("surcharge", "surchages", "Thu khác", title="surchargeName"),
        Kind("salechannel", "salechannel", "Kênh bán hàng", error="KvValidateSaleChannelException"),
        Kind("customergroup", "customers/group", "Nhóm khách hàng"),
        Kind("pricebook", "pricebooks", "Bảng giá"),
        Kind("trademark", "trademark", "Thương hiệu", id="tradeMarkId", title="tradeMarkName"),
        Kind("supplier", "suppliers", "Nhà cung cấp", removed="removedId", prefix="NCC"),
        Kind("transfer", "transfers", "Phiếu chuyển hàng", prefix="TRF"),
        Kind("cashflow", "cashflow", "Sổ quỹ"),
        Kind("location", "locations", "Khu vực"),
        Kind("vouchercampaign", "vouchercampaign", "Đợt phát hành voucher"),
    )
}
