package s3_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// vault is a whole local AWS with the bucket "vault", whose objects lie under a key of KMS unless they say otherwise.
type vault struct {
	aws    *localawstest.AWS
	admin  localawstest.Keys
	client *awss3.Client
	key    string // ARN
}

func startVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{aws: localawstest.Start(t)}
	v.admin = v.aws.Account(account)
	v.client = client(v.aws, v.admin)
	made, err := awskms.NewFromConfig(v.aws.Config(v.admin)).CreateKey(t.Context(), &awskms.CreateKeyInput{})
	must(t, err)
	v.key = *made.KeyMetadata.Arn
	_, err = v.client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("vault")})
	must(t, err)
	v.encrypt(t, *made.KeyMetadata.KeyId)
	return v
}

// encrypt sets the bucket's default encryption.
func (v *vault) encrypt(t *testing.T, key string) {
	t.Helper()
	_, err := v.client.PutBucketEncryption(t.Context(), &awss3.PutBucketEncryptionInput{
		Bucket: aws.String("vault"), ServerSideEncryptionConfiguration: sse(types.ServerSideEncryptionAwsKms, key),
	})
	must(t, err)
}

func sse(algorithm types.ServerSideEncryption, key string) *types.ServerSideEncryptionConfiguration {
	byDefault := &types.ServerSideEncryptionByDefault{SSEAlgorithm: algorithm}
	if key != "" {
		byDefault.KMSMasterKeyID = &key
	}
	return &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: aws.Bool(true),
	}}}
}

func (v *vault) put(t *testing.T, c *awss3.Client, key string, set ...func(*awss3.PutObjectInput)) (*awss3.PutObjectOutput, error) {
	t.Helper()
	in := &awss3.PutObjectInput{Bucket: aws.String("vault"), Key: &key, Body: strings.NewReader("secret")}
	for _, s := range set {
		s(in)
	}
	return c.PutObject(t.Context(), in)
}

// A caller without KMS permissions can neither write nor read what lies under a key, whatever S3 allows.
func TestTrap38EncryptedBucketsNeedKMS(t *testing.T) {
	v := startVault(t)
	const s3Only = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
	const through = `{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":{
		"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::vault"}}}`
	without := client(v.aws, v.aws.AddUser(t, v.admin, "without", `{"Version":"2012-10-17","Statement":[`+s3Only+`]}`))
	with := client(v.aws, v.aws.AddUser(t, v.admin, "with", `{"Version":"2012-10-17","Statement":[`+s3Only+`,`+through+`]}`))
	vaultName, key := aws.String("vault"), aws.String("k")

	_, err := v.put(t, without, "k")
	wantError(t, err, http.StatusForbidden, "AccessDenied")
	wantMessage(t, err, "is not authorized to perform: kms:GenerateDataKey on resource: "+v.key+
		" because no identity-based policy allows the kms:GenerateDataKey action")
	put, err := v.put(t, with, "k")
	must(t, err)
	if *put.SSEKMSKeyId != v.key || put.ServerSideEncryption != types.ServerSideEncryptionAwsKms || !*put.BucketKeyEnabled {
		t.Errorf("got %+v, want the bucket's key", put)
	}
	get := func(c *awss3.Client) error {
		_, err := c.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: vaultName, Key: key})
		return err
	}
	must(t, get(with))
	wantError(t, get(without), http.StatusForbidden, "AccessDenied")
	wantMessage(t, get(without), "kms:Decrypt on resource: "+v.key)
	calls := v.aws.Calls()
	if c := calls[len(calls)-1]; c.Action != "kms:Decrypt" || c.Resource != v.key || c.Allowed {
		t.Errorf("the log says %+v", c)
	}
	_, err = without.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: vaultName, Key: key})
	must(t, err) // the metadata is not encrypted, the checksum is
	_, err = without.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: vaultName, Key: key, ChecksumMode: types.ChecksumModeEnabled})
	if err == nil {
		t.Error("the checksum was told without kms:Decrypt")
	}
	_, err = without.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: vaultName, Key: aws.String("copy"), CopySource: aws.String("vault/k"), ServerSideEncryption: types.ServerSideEncryptionAes256,
	})
	wantMessage(t, err, "kms:Decrypt")
	_, err = without.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: vaultName, Key: key})
	must(t, err)
	_, err = v.put(t, without, "plain", func(in *awss3.PutObjectInput) { in.ServerSideEncryption = types.ServerSideEncryptionAes256 })
	must(t, err)
}

func TestTrap41EncryptedETagIsNotTheMD5(t *testing.T) {
	v := startVault(t)
	first, err := v.put(t, v.client, "k")
	must(t, err)
	second, err := v.put(t, v.client, "k")
	must(t, err)
	plain, err := v.put(t, v.client, "plain", func(in *awss3.PutObjectInput) { in.ServerSideEncryption = types.ServerSideEncryptionAes256 })
	must(t, err)
	if *plain.ETag != `"5ebe2294ecd0e0f08eab7690d2a6ee69"` || *first.ETag == *plain.ETag || *first.ETag == *second.ETag {
		t.Errorf("got %s and %s under a key, %s without", *first.ETag, *second.ETag, *plain.ETag)
	}
	out, err := v.client.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("vault"), Key: aws.String("copy"), CopySource: aws.String("vault/k"), ServerSideEncryption: types.ServerSideEncryptionAes256,
	})
	must(t, err)
	if *out.CopyObjectResult.ETag != *plain.ETag {
		t.Errorf("got %s for a plain copy, want %s", *out.CopyObjectResult.ETag, *plain.ETag)
	}
}

// CreateMultipartUpload needs kms:GenerateDataKey, the parts need kms:Decrypt ("Uploading and copying objects using
// multipart upload").
func TestEncryptedMultipartUpload(t *testing.T) {
	v := startVault(t)
	vaultName, key := aws.String("vault"), aws.String("big")
	v.aws.ResetCalls()
	begun, err := v.client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: vaultName, Key: key})
	must(t, err)
	part, err := v.client.UploadPart(t.Context(), &awss3.UploadPartInput{
		Bucket: vaultName, Key: key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x"),
	})
	must(t, err)
	done, err := v.client.CompleteMultipartUpload(t.Context(), &awss3.CompleteMultipartUploadInput{
		Bucket: vaultName, Key: key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
			Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}},
		},
	})
	must(t, err)
	for _, id := range []*string{begun.SSEKMSKeyId, part.SSEKMSKeyId, done.SSEKMSKeyId} {
		if aws.ToString(id) != v.key {
			t.Errorf("got key %s, want %s", aws.ToString(id), v.key)
		}
	}
	var got []string
	for _, c := range v.aws.Calls() {
		for _, a := range c.Accesses {
			got = append(got, c.Operation+" "+a.Action)
		}
	}
	want := []string{
		"CreateMultipartUpload s3:PutObject", "CreateMultipartUpload kms:GenerateDataKey",
		"UploadPart s3:PutObject", "UploadPart kms:Decrypt", "CompleteMultipartUpload s3:PutObject",
	}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("accesses (-want +got):\n%s", diff)
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	v := startVault(t)
	_, err := v.put(t, v.client, "k")
	must(t, err)
	v.encrypt(t, "00000000-0000-4000-8000-000000000000")
	_, err = v.put(t, v.client, "absent")
	wantError(t, err, http.StatusBadRequest, "KMS.NotFoundException")
	_, err = awskms.NewFromConfig(v.aws.Config(v.admin)).DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: &v.key})
	must(t, err)
	_, err = v.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("vault"), Key: aws.String("k")})
	wantError(t, err, http.StatusBadRequest, "KMS.DisabledException")

	_, err = v.client.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: aws.String("vault"), Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::vault/*"}]}`)})
	must(t, err)
	anonymous := client(v.aws, localawstest.Keys{}, func(o *awss3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	_, err = anonymous.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("vault"), Key: aws.String("k")})
	wantError(t, err, http.StatusBadRequest, "InvalidArgument")
}

func TestBucketEncryption(t *testing.T) {
	v := startVault(t)
	vaultName := aws.String("vault")
	now := func() types.ServerSideEncryptionRule {
		t.Helper()
		out, err := v.client.GetBucketEncryption(t.Context(), &awss3.GetBucketEncryptionInput{Bucket: vaultName})
		must(t, err)
		return out.ServerSideEncryptionConfiguration.Rules[0]
	}
	rule := now()
	if rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAwsKms ||
		!strings.HasSuffix(v.key, *rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID) || !*rule.BucketKeyEnabled {
		t.Errorf("got %+v, want the key", rule)
	}
	_, err := v.client.DeleteBucketEncryption(t.Context(), &awss3.DeleteBucketEncryptionInput{Bucket: vaultName})
	must(t, err)
	rule = now()
	if rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 || *rule.BucketKeyEnabled {
		t.Errorf("got %+v, want S3's own keys", rule)
	}
	for name, test := range map[string]struct {
		configuration *types.ServerSideEncryptionConfiguration
		status        int
		code          string
	}{
		"a key for AES256": {sse(types.ServerSideEncryptionAes256, v.key), 400, "InvalidArgument"},
		"AWS's own key":    {sse(types.ServerSideEncryptionAwsKms, ""), 501, "NotImplemented"},
		"two layers":       {sse(types.ServerSideEncryptionAwsKmsDsse, v.key), 501, "NotImplemented"},
		"unknown":          {sse("rot13", ""), 400, "MalformedXML"},
		"no rule":          {&types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{}}, 400, "MalformedXML"},
	} {
		_, err := v.client.PutBucketEncryption(t.Context(), &awss3.PutBucketEncryptionInput{
			Bucket: vaultName, ServerSideEncryptionConfiguration: test.configuration,
		})
		t.Log(name)
		wantError(t, err, test.status, test.code)
	}
	for name, test := range map[string]struct {
		algorithm types.ServerSideEncryption
		key       *string
		status    int
		code      string
	}{
		"a key for AES256": {types.ServerSideEncryptionAes256, &v.key, 400, "InvalidArgument"},
		"a key alone":      {"", &v.key, 400, "InvalidArgument"},
		"AWS's own key":    {types.ServerSideEncryptionAwsKms, nil, 501, "NotImplemented"},
		"unknown":          {"rot13", nil, 400, "InvalidArgument"},
	} {
		_, err := v.put(t, v.client, "k", func(in *awss3.PutObjectInput) { in.ServerSideEncryption, in.SSEKMSKeyId = test.algorithm, test.key })
		t.Log(name)
		wantError(t, err, test.status, test.code)
	}
}
