// Package demosite is the demo site: one customer application with an AWS account of its own.
// It sets that account up through AWS's own clients and the site through Arngate's HTTPS API, in the order a person would.
package demosite

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// What the demo is made of. The local server, the events and the examples all use these names.
const (
	Site        = "7b1f4e0a-3c52-4d7e-9a41-5f0c2d8e6b13" // the demo site
	OtherSite   = "c2a9d0f7-61be-4b0c-8e55-9d3f7a1b2c4d" // a site that may see nothing of it
	User        = "ada@example.com"                      // the builder
	Account     = "444455556666"                         // the demo customer's AWS account
	Region      = "eu-central-1"
	Provider    = "demo"
	RoleName    = "arngate-demo"
	Bucket      = "demo-files"
	Archive     = "demo-archive" // the role may only read here: where the demo shows a denial
	Table       = "Orders"
	Function    = "hello"
	OrdersName  = "orders"  // connection to Table
	FilesName   = "files"   // connection to Bucket
	ArchiveName = "archive" // connection to Archive
	ActionsName = "actions" // connection to Function
)

// RoleARN is the role that the demo's provider assumes, under the path that Arngate asks for by default.
const RoleARN = "arn:aws:iam::" + Account + ":role" + rolePath + RoleName

const rolePath = "/skuid-assumable-role/"

// Options say where the demo is set up.
type Options struct {
	API        string       // address of the HTTPS API, without a path
	AdminToken string       // bearer token of Site's administrator
	Customer   aws.Config   // an administrator of Account
	Client     *http.Client // reaches the API; nil: http.DefaultClient
}

// Create fills the customer's account and registers the demo's provider and connections.
// It is made for empty stores: what exists already is an error. It returns when the provider is verified.
func Create(ctx context.Context, o Options) error {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	customer := newCustomer(o.Customer)
	if err := customer.fill(ctx); err != nil {
		return fmt.Errorf("fill the demo account: %w", err)
	}
	site := siteAPI{base: o.API, token: o.AdminToken, client: o.Client}
	trust, err := site.nameProvider(ctx)
	if err != nil {
		return fmt.Errorf("name the provider: %w", err)
	}
	if err := customer.createRole(ctx, trust); err != nil {
		return fmt.Errorf("create the role: %w", err)
	}
	if err := site.useRole(ctx, Provider, RoleARN, "ready"); err != nil {
		return fmt.Errorf("hand over the role: %w", err)
	}
	return site.connect(ctx)
}
