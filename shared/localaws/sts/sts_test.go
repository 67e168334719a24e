package sts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

const (
	gatewayAccount  = "111111111111"
	customerAccount = "222222222222"
	site            = "6f1b5a52-0b7c-4c39-9d30-0f4d5b9d7a01"
	allowAll        = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyAll         = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

	gatewayPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],
		"Resource":["arn:aws:iam::*:role/skuid-assumable-role/*"]}]}`
)

// world has a gateway that may assume roles under a path, and a customer's administrator.
type world struct {
	*localawstest.AWS

	gateway, customer localawstest.Keys
	gatewayRole       string
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{AWS: localawstest.Start(t)}
	operator := w.Account(gatewayAccount)
	w.customer = w.Account(customerAccount)
	w.gatewayRole = w.AddRole(t, operator, localawstest.Role{
		Name: "gateway", Trust: lambdaTrust, Policy: gatewayPolicy,
	})
	made, err := w.AssumeAsService("lambda.amazonaws.com", w.gatewayRole, "function")
	if err != nil {
		t.Fatal(err)
	}
	w.gateway = localawstest.Keys{
		AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken,
	}
	return w
}

const lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
	"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// fullTrust lets the gateway in with the site's ExternalId, tags and a source identity.
func (w world) fullTrust() string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole",
		 "Condition":{"StringEquals":{"sts:ExternalId":%q}}},
		{"Effect":"Allow","Principal":{"AWS":%q},"Action":["sts:TagSession","sts:SetSourceIdentity"]}]}`,
		w.gatewayRole, site, w.gatewayRole)
}

// nameTrust is that of roles made before tags were asked for.
func (w world) nameTrust() string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},
		"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":%q}}}]}`, w.gatewayRole, site)
}

func (w world) role(t *testing.T, name, trust string) string {
	t.Helper()
	return w.AddRole(t, w.customer, localawstest.Role{
		Name: name, Path: "/skuid-assumable-role/", Trust: trust, Policy: allowAll,
	})
}

func (w world) assume(t *testing.T, as localawstest.Keys, change func(*awssts.AssumeRoleInput)) (*awssts.AssumeRoleOutput, error) {
	t.Helper()
	in := &awssts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/data"),
		RoleSessionName: aws.String("ada@" + site),
		ExternalId:      aws.String(site),
	}
	if change != nil {
		change(in)
	}
	return awssts.NewFromConfig(w.Config(as)).AssumeRole(t.Context(), in)
}

func keysOf(c *types.Credentials) localawstest.Keys {
	return localawstest.Keys{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
	}
}

func (w world) whoAmI(t *testing.T, keys localawstest.Keys) (string, error) {
	t.Helper()
	out, err := awssts.NewFromConfig(w.Config(keys)).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}

// codeOf is AWS's code in an error; empty for none.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func messageOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

func TestAssumeRole(t *testing.T) {
	w := newWorld(t)
	w.role(t, "data", w.fullTrust())
	w.ResetCalls()
	out, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) {
		in.SourceIdentity = aws.String("ada")
		in.Tags = []types.Tag{{Key: aws.String("arngate:site"), Value: aws.String(site)}}
		in.Policy = aws.String(denyAll)
		in.DurationSeconds = aws.Int32(900)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantARN := "arn:aws:sts::" + customerAccount + ":assumed-role/data/ada@" + site
	if got := *out.AssumedRoleUser.Arn; got != wantARN {
		t.Errorf("Arn = %s, want %s without the path", got, wantARN)
	}
	if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") || *out.SourceIdentity != "ada" || *out.SessionTokenUtilization == 0 {
		t.Errorf("answer = %+v", out)
	}
	if got, err := w.whoAmI(t, keysOf(out.Credentials)); err != nil || got != wantARN {
		t.Errorf("the session is %s (%v), want %s", got, err, wantARN)
	}
	got := w.Calls()[0]
	want := localaws.Requested{
		RoleARN: "arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/data", SessionName: "ada@" + site,
		SourceIdentity: "ada", Tags: map[string]string{"arngate:site": site}, Policy: denyAll, ExternalID: site,
		Duration: 900 * time.Second,
	}
	if diff := cmp.Diff(want, got.Requested); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	wantAccesses := []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
	var actions []string
	for _, a := range got.Accesses {
		actions = append(actions, a.Action)
	}
	if diff := cmp.Diff(wantAccesses, actions); diff != "" {
		t.Errorf("accesses (-want +got):\n%s", diff)
	}
}

func TestSessionsExpireByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.role(t, "data", w.fullTrust())
		out, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) })
		if err != nil {
			t.Fatal(err)
		}
		keys := keysOf(out.Credentials)
		time.Sleep(15*time.Minute - time.Second)
		if _, err := w.whoAmI(t, keys); err != nil {
			t.Errorf("a second before the end: %v", err)
		}
		time.Sleep(time.Second)
		_, err = w.whoAmI(t, keys)
		if got, want := codeOf(err), "ExpiredToken"; got != want {
			t.Errorf("at the end: %v, want %s", err, want)
		}
	})
}
