package s3

import (
	"context"
	"errors"
	"mime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/problem"
)

type getMetadataInput struct{ OfObject }

type getMetadataOutput struct {
	ETag string `header:"ETag"`
	Body Metadata
}

// Metadata is what S3 knows of an object besides its bytes.
type Metadata struct {
	Key                string            `json:"key"`
	Size               int64             `json:"size" doc:"Bytes"`
	ETag               string            `json:"etag" doc:"Opaque, and not always a hash of the content; quotes included, as If-Match takes it"`
	ModifiedAt         time.Time         `json:"modified_at"`
	ContentType        string            `json:"content_type,omitzero" doc:"As it was stored"`
	ContentEncoding    string            `json:"content_encoding,omitzero" doc:"As it was stored"`
	ContentDisposition string            `json:"content_disposition,omitzero" doc:"As it was stored"`
	ContentLanguage    string            `json:"content_language,omitzero" doc:"As it was stored"`
	CacheControl       string            `json:"cache_control,omitzero" doc:"As it was stored"`
	Expires            string            `json:"expires,omitzero" doc:"As it was stored"`
	StorageClass       string            `json:"storage_class"`
	Restore            string            `json:"restore,omitzero" doc:"Of an archived object: whether it is being or has been restored, in S3's own form"`
	Encryption         string            `json:"encryption,omitzero" doc:"AES256, aws:kms or aws:kms:dsse" example:"AES256"`
	KMSKey             string            `json:"kms_key,omitzero" doc:"ARN of the KMS key"`
	Version            string            `json:"version_id,omitzero" doc:"In a bucket that keeps versions"`
	Metadata           map[string]string `json:"metadata" doc:"The object's own: what x-amz-meta-* headers said when it was stored, by the name behind that"`
	Unreadable         int32             `json:"unreadable,omitzero" doc:"How many more entries of metadata there are whose names HTTP can't carry"`
}

func (h *handler) getMetadata(ctx context.Context, in *getMetadataInput) (*getMetadataOutput, error) {
	b, err := h.openObject(ctx, in.OfObject, false)
	if err != nil {
		return nil, err
	}
	head, err := b.head(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	out := metadataOf(head)
	out.Key = in.Key
	return &getMetadataOutput{ETag: out.ETag, Body: out}, nil
}

// head is HeadObject, whose answers have no body: a refusal doesn't say whether bucket or object are missing, whether the action
// is denied or the credentials expired (trap 34). So a GetObject of a single byte, which does, is made after it.
func (b *bucket) head(ctx context.Context, key string) (*awss3.HeadObjectOutput, error) {
	head, err := b.tryHead(ctx, key)
	if p, ok := errors.AsType[*problem.Error](err); err == nil || !ok || p.AWS == nil || p.AWS.Status/100 != 4 {
		return head, err
	}
	if told := b.whyNot(ctx, key); told != nil {
		return nil, b.orAbsent(ctx, key, told)
	}
	return b.tryHead(ctx, key)
}

func (b *bucket) tryHead(ctx context.Context, key string) (out *awss3.HeadObjectOutput, err error) {
	err = b.call(ctx, "HeadObject", "s3:GetObject", b.arn(key), func(ctx context.Context, client *awss3.Client) error {
		out, err = client.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &b.name, Key: &key, ExpectedBucketOwner: &b.owner})
		return err
	})
	return out, err
}

// whyNot says why an object can't be read; nil if it can, or has no bytes, or is archived.
func (b *bucket) whyNot(ctx context.Context, key string) error {
	err := b.call(ctx, "GetObject", "s3:GetObject", b.arn(key), func(ctx context.Context, client *awss3.Client) error {
		out, err := client.GetObject(ctx, &awss3.GetObjectInput{
			Bucket: &b.name, Key: &key, ExpectedBucketOwner: &b.owner, Range: aws.String("bytes=0-0"),
		})
		if err != nil {
			return err
		}
		return out.Body.Close()
	})
	answer, ok := errors.AsType[smithy.APIError](err)
	if ok && (answer.ErrorCode() == "InvalidRange" || answer.ErrorCode() == "InvalidObjectState") {
		return nil
	}
	return err
}

func metadataOf(head *awss3.HeadObjectOutput) Metadata {
	out := Metadata{
		Size: aws.ToInt64(head.ContentLength), ETag: aws.ToString(head.ETag), ModifiedAt: aws.ToTime(head.LastModified).UTC(),
		ContentType: aws.ToString(head.ContentType), ContentEncoding: aws.ToString(head.ContentEncoding),
		ContentDisposition: aws.ToString(head.ContentDisposition), ContentLanguage: aws.ToString(head.ContentLanguage),
		CacheControl: aws.ToString(head.CacheControl), Expires: aws.ToString(head.ExpiresString),
		StorageClass: string(head.StorageClass), Restore: aws.ToString(head.Restore),
		Encryption: string(head.ServerSideEncryption), KMSKey: aws.ToString(head.SSEKMSKeyId),
		Version: aws.ToString(head.VersionId), Metadata: make(map[string]string, len(head.Metadata)), Unreadable: aws.ToInt32(head.MissingMeta),
	}
	if out.StorageClass == "" { // S3 doesn't say the usual one
		out.StorageClass = storageClassStandard
	}
	words := new(mime.WordDecoder)
	for name, value := range head.Metadata {
		// What isn't ASCII comes in the form of RFC 2047 ("Working with object metadata").
		if decoded, err := words.DecodeHeader(value); err == nil {
			value = decoded
		}
		out.Metadata[name] = value
	}
	return out
}

type getACLInput struct{ OfObject }

type getACLOutput struct{ Body ACL }

// ACL says who owns an object, and what its access control list grants.
type ACL struct {
	Owner  Owner   `json:"owner"`
	Grants []Grant `json:"grants"`
}

// Owner is an AWS account as S3 names it.
type Owner struct {
	ID          string `json:"id,omitzero" doc:"Canonical user id"`
	DisplayName string `json:"display_name,omitzero"`
}

// Grant is one permission for one grantee.
type Grant struct {
	Type        string `json:"type" enum:"CanonicalUser,Group,AmazonCustomerByEmail" doc:"What the grantee is"`
	ID          string `json:"id,omitzero" doc:"Canonical user id of an account"`
	DisplayName string `json:"display_name,omitzero"`
	Email       string `json:"email,omitzero" doc:"Of an account"`
	URI         string `json:"uri,omitzero" doc:"Of a group, such as http://acs.amazonaws.com/groups/global/AllUsers: everybody"`
	Permission  string `json:"permission" enum:"FULL_CONTROL,READ,READ_ACP,WRITE,WRITE_ACP"`
}

func (h *handler) getACL(ctx context.Context, in *getACLInput) (*getACLOutput, error) {
	b, err := h.openObject(ctx, in.OfObject, false)
	if err != nil {
		return nil, err
	}
	var answer *awss3.GetObjectAclOutput
	err = b.call(ctx, "GetObjectAcl", "s3:GetObjectAcl", b.arn(in.Key), func(ctx context.Context, client *awss3.Client) error {
		answer, err = client.GetObjectAcl(ctx, &awss3.GetObjectAclInput{
			Bucket: &b.name, Key: &in.Key, ExpectedBucketOwner: &b.owner,
		})
		return err
	})
	if err != nil {
		return nil, b.orAbsent(ctx, in.Key, err)
	}
	return &getACLOutput{aclOf(answer)}, nil
}

func aclOf(answer *awss3.GetObjectAclOutput) ACL {
	out := ACL{Grants: make([]Grant, 0, len(answer.Grants))}
	if o := answer.Owner; o != nil {
		out.Owner = Owner{ID: aws.ToString(o.ID), DisplayName: aws.ToString(o.DisplayName)}
	}
	for _, g := range answer.Grants {
		grant := Grant{Permission: string(g.Permission)}
		if who := g.Grantee; who != nil {
			grant.Type, grant.ID, grant.DisplayName = string(who.Type), aws.ToString(who.ID), aws.ToString(who.DisplayName)
			grant.Email, grant.URI = aws.ToString(who.EmailAddress), aws.ToString(who.URI)
		}
		out.Grants = append(out.Grants, grant)
	}
	return out
}
