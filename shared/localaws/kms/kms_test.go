package kms_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

const (
	account  = "222222222222"
	allowKMS = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`
)

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func start(t *testing.T) (*localawstest.AWS, localawstest.Keys, *awskms.Client) {
	t.Helper()
	a := localawstest.Start(t)
	admin := a.Account(account)
	return a, admin, awskms.NewFromConfig(a.Config(admin))
}

func newKey(t *testing.T, client *awskms.Client, policy *string) string {
	t.Helper()
	out, err := client.CreateKey(t.Context(), &awskms.CreateKeyInput{Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	return *out.KeyMetadata.Arn
}

func TestDecryptGivesBackUnderTheSameContext(t *testing.T) {
	_, _, client := start(t)
	key, ctx := newKey(t, client, nil), t.Context()
	context := map[string]string{"site": "a", "provider": "b"}
	data, err := client.GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{
		KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: context,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(data.Plaintext) != 32 || *data.KeyId != key || bytes.Contains(data.CiphertextBlob, data.Plaintext) {
		t.Errorf("data key = %d bytes of %s", len(data.Plaintext), *data.KeyId)
	}
	opened, err := client.Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: data.CiphertextBlob, EncryptionContext: context})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(data.Plaintext, opened.Plaintext); diff != "" {
		t.Error(diff)
	}
	sealed, err := client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("secret"), EncryptionContext: context})
	if err != nil {
		t.Fatal(err)
	}
	joined, err := client.Encrypt(ctx, &awskms.EncryptInput{
		KeyId: &key, Plaintext: []byte("secret"), EncryptionContext: map[string]string{"a": "bc"},
	})
	if err != nil {
		t.Fatal(err)
	}
	other := newKey(t, client, nil)
	damaged := bytes.Clone(sealed.CiphertextBlob)
	damaged[len(damaged)-1] ^= 1
	foreign := bytes.Replace(sealed.CiphertextBlob, []byte(key), []byte(other), 1)
	tests := map[string]struct {
		in   awskms.DecryptInput
		want string
	}{
		"right":            {awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyId: &key}, ""},
		"no context":       {awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}, "InvalidCiphertextException"},
		"another context":  {awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"site": "a", "provider": "c"}}, "InvalidCiphertextException"},
		"context moved":    {awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"site": "ap", "rovider": "b"}}, "InvalidCiphertextException"},
		"lengths moved":    {awskms.DecryptInput{CiphertextBlob: joined.CiphertextBlob, EncryptionContext: map[string]string{"ab": "c"}}, "InvalidCiphertextException"},
		"damaged":          {awskms.DecryptInput{CiphertextBlob: damaged, EncryptionContext: context}, "InvalidCiphertextException"},
		"under a new name": {awskms.DecryptInput{CiphertextBlob: foreign, EncryptionContext: context}, "InvalidCiphertextException"},
		"not a ciphertext": {awskms.DecryptInput{CiphertextBlob: []byte("x")}, "InvalidCiphertextException"},
		"cut":              {awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob[:20]}, "InvalidCiphertextException"},
		"another key":      {awskms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyId: &other}, "IncorrectKeyException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := client.Decrypt(t.Context(), &test.in)
			if got := codeOf(err); got != test.want {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
			if err == nil && string(out.Plaintext) != "secret" {
				t.Errorf("plaintext = %q", out.Plaintext)
			}
		})
	}
}

// A key's policy decides: with the account's root in it, identity policies count; without, they do not.
func TestKeyPolicies(t *testing.T) {
	a, admin, client := start(t)
	user := awskms.NewFromConfig(a.Config(a.AddUser(t, admin, "user", allowKMS)))
	nobody := awskms.NewFromConfig(a.Config(a.AddUser(t, admin, "nobody", "")))
	only := func(principal string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"kms:*","Resource":"*"}]}`)
	}
	tests := map[string]struct {
		policy               *string
		wantUser, wantNobody bool
	}{
		"standard":           {nil, true, false},
		"only the admin":     {only("arn:aws:iam::" + account + ":user/administrator"), false, false},
		"only nobody":        {only("arn:aws:iam::" + account + ":user/nobody"), false, true},
		"another account":    {only("arn:aws:iam::333333333333:root"), false, false},
		"the account itself": {only(account), true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			key := newKey(t, client, test.policy)
			for who, c := range map[string]*awskms.Client{"user": user, "nobody": nobody} {
				want := map[string]bool{"user": test.wantUser, "nobody": test.wantNobody}[who]
				_, err := c.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
				if got := err == nil; got != want || !want && codeOf(err) != "AccessDeniedException" {
					t.Errorf("%s: encrypted is %v (%v), want %v", who, got, err, want)
				}
			}
		})
	}
}

// Another account's key needs both: the key's policy and the caller's own.
func TestKeyOfAnotherAccount(t *testing.T) {
	a, _, client := start(t)
	key := newKey(t, client, aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"kms:Encrypt","Resource":"*"}]}`))
	other := a.Account("333333333333")
	with := awskms.NewFromConfig(a.Config(a.AddUser(t, other, "with", allowKMS)))
	without := awskms.NewFromConfig(a.Config(a.AddUser(t, other, "without", "")))
	if _, err := with.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("x")}); err != nil {
		t.Errorf("both allow: %v", err)
	}
	if _, err := with.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &key}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("the key's policy does not allow: %v", err)
	}
	if _, err := without.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("x")}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("the caller's policies do not allow: %v", err)
	}
}

// A permission can be bound to an encryption context.
func TestContextAsCondition(t *testing.T) {
	a, admin, client := start(t)
	key := newKey(t, client, nil)
	user := awskms.NewFromConfig(a.Config(a.AddUser(t, admin, "user", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:site":"a"}}}]}`)))
	for site, want := range map[string]string{"a": "", "b": "AccessDeniedException"} {
		_, err := user.Encrypt(t.Context(), &awskms.EncryptInput{
			KeyId: &key, Plaintext: []byte("x"), EncryptionContext: map[string]string{"site": site},
		})
		if got := codeOf(err); got != want {
			t.Errorf("site %s: %v, want %q", site, err, want)
		}
	}
}

func TestNamesOfKeys(t *testing.T) {
	_, _, client := start(t)
	key := newKey(t, client, nil)
	id := key[strings.LastIndexByte(key, '/')+1:]
	if _, err := client.CreateAlias(t.Context(), &awskms.CreateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: &id}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		key: "", id: "", "alias/app": "",
		"arn:aws:kms:us-east-1:" + account + ":alias/app": "",
		"arn:aws:kms:eu-west-1:" + account + ":key/" + id: "NotFoundException",
		"alias/missing":                        "NotFoundException",
		"00000000-0000-4000-8000-000000000000": "NotFoundException",
		"arn:aws:s3:::bucket":                  "NotFoundException",
	}
	for name, want := range tests {
		out, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &name})
		if got := codeOf(err); got != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		} else if err == nil && *out.KeyMetadata.Arn != key {
			t.Errorf("%s is %s, want %s", name, *out.KeyMetadata.Arn, key)
		}
	}
}

func TestKeysOutOfUse(t *testing.T) {
	_, _, client := start(t)
	key, ctx := newKey(t, client, nil), t.Context()
	encrypt := func() string {
		_, err := client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
		return codeOf(err)
	}
	if _, err := client.DisableKey(ctx, &awskms.DisableKeyInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	if got, want := encrypt(), "DisabledException"; got != want {
		t.Errorf("disabled: %q, want %s", got, want)
	}
	if _, err := client.EnableKey(ctx, &awskms.EnableKeyInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	if got := encrypt(); got != "" {
		t.Errorf("enabled: %q", got)
	}
	if _, err := client.ScheduleKeyDeletion(ctx, &awskms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: aws.Int32(7)}); err != nil {
		t.Fatal(err)
	}
	if got, want := encrypt(), "KMSInvalidStateException"; got != want {
		t.Errorf("pending deletion: %q, want %s", got, want)
	}
}

func TestDataKeySizes(t *testing.T) {
	_, _, client := start(t)
	key := newKey(t, client, nil)
	tests := map[string]struct {
		in   awskms.GenerateDataKeyInput
		size int
		want string
	}{
		"AES_128":     {awskms.GenerateDataKeyInput{KeySpec: types.DataKeySpecAes128}, 16, ""},
		"64 bytes":    {awskms.GenerateDataKeyInput{NumberOfBytes: aws.Int32(64)}, 64, ""},
		"neither":     {awskms.GenerateDataKeyInput{}, 0, "ValidationException"},
		"both":        {awskms.GenerateDataKeyInput{KeySpec: types.DataKeySpecAes128, NumberOfBytes: aws.Int32(64)}, 0, "ValidationException"},
		"1,025 bytes": {awskms.GenerateDataKeyInput{NumberOfBytes: aws.Int32(1025)}, 0, "ValidationException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.in.KeyId = &key
			out, err := client.GenerateDataKey(t.Context(), &test.in)
			if got := codeOf(err); got != test.want {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
			if err == nil && len(out.Plaintext) != test.size {
				t.Errorf("%d bytes, want %d", len(out.Plaintext), test.size)
			}
		})
	}
}

func TestAddKey(t *testing.T) {
	a, _, client := start(t)
	const id = "3f0c8b1e-0000-4000-8000-000000000001"
	rules := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"}]}`
	if err := a.AddKey(account, localawstest.Region, id, rules); err != nil {
		t.Fatal(err)
	}
	if err := a.AddKey(account, localawstest.Region, id, rules); err == nil {
		t.Error("a key was replaced")
	}
	if err := a.AddKey(account, localawstest.Region, id[:35]+"2", "{"); err == nil {
		t.Error("a key without a policy was made")
	}
	if _, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: aws.String(id), Plaintext: []byte("x")}); err != nil {
		t.Errorf("encrypt under the key: %v", err)
	}
}

func TestUnknownOperation(t *testing.T) {
	_, _, client := start(t)
	_, err := client.GenerateRandom(t.Context(), &awskms.GenerateRandomInput{NumberOfBytes: aws.Int32(8)})
	if got, want := codeOf(err), "UnknownOperationException"; got != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}
