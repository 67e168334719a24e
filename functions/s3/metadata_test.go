package s3_test

import (
	"net/http"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

const metadataPath, aclPath = objectPath + "/metadata", objectPath + "/acl"

func TestGetMetadata(t *testing.T) {
	b := newBench(t)
	etag := b.store(t, "a b.txt", "hello", func(in *awss3.PutObjectInput) {
		in.ContentType, in.ContentEncoding, in.ContentLanguage = new("text/plain"), new("identity"), new("en")
		in.ContentDisposition, in.CacheControl = new("inline"), new("max-age=60")
		in.Metadata = map[string]string{"title": "a, b", "author": "Zoë"}
		in.StorageClass, in.ServerSideEncryption = types.StorageClassStandardIa, types.ServerSideEncryptionAes256
	})
	b.operations()
	var got s3.Metadata
	answered := b.get(t, metadataPath, "key", "a b.txt")
	answered.into(t, &got)
	answered.wantHeader(t, "ETag", etag, "Arngate-Credentials", "memory")
	if ops := b.operations(); ops != "HeadObject" {
		t.Errorf("S3 was asked for %s: a warm request makes one call", ops)
	}
	if got.ModifiedAt.IsZero() {
		t.Error("no date")
	}
	want := s3.Metadata{
		Key: "a b.txt", Size: 5, ETag: etag, ContentType: "text/plain", ContentEncoding: "identity",
		ContentDisposition: "inline", ContentLanguage: "en", CacheControl: "max-age=60", StorageClass: "STANDARD_IA", Encryption: "AES256",
		Metadata: map[string]string{"title": "a, b", "author": "Zoë"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(s3.Metadata{}, "ModifiedAt")); diff != "" {
		t.Error(diff)
	}
	b.store(t, "empty", "")
	b.get(t, metadataPath, "key", "empty").into(t, &got)
	if got.Size != 0 || got.StorageClass != "STANDARD" {
		t.Errorf("got %+v", got)
	}
}

// TestTrap34MetadataOfWhatIsNotThere: the answer to a HEAD has no body, so that what is wrong is asked for once more.
func TestTrap34MetadataOfWhatIsNotThere(t *testing.T) {
	b := newBench(t)
	b.get(t, metadataPath, "key", "none").wantProblem(t, problem.ObjectNotFound)
	b.get(t, "files/buckets/none-at-all/object/metadata", "key", "k").wantProblem(t, problem.BucketNotFound)
	b.get(t, metadataPath).wantProblem(t, problem.InvalidRequest, "query.key")
	b.connect("reports", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "demo-files", Prefix: "reports"}} })
	b.get(t, "reports/buckets/demo-files/object/metadata", "key", "reports/none").wantProblem(t, problem.ObjectNotFound)
	b.get(t, "reports/buckets/demo-files/object/acl", "key", "reports/none").wantProblem(t, problem.ObjectNotFound)
	b.get(t, aclPath, "key", "none").wantProblem(t, problem.ObjectNotFound)
}

// TestTrap34ExpiredAtAHead: a HEAD refuses expired credentials with a bare 400; they are replaced all the same.
func TestTrap34ExpiredAtAHead(t *testing.T) {
	expired := true
	var asked []string
	b := answered(t, func(r *http.Request) *http.Response {
		asked = append(asked, r.Method)
		switch {
		case !expired:
			return response(r, http.StatusOK, "", "Content-Length", "5", "Content-Type", "text/plain")
		case r.Method == http.MethodHead:
			return response(r, http.StatusBadRequest, "")
		}
		expired = false
		return response(r, http.StatusBadRequest, `<Error><Code>ExpiredToken</Code></Error>`)
	})
	var got s3.Metadata
	b.get(t, metadataPath, "key", "k").into(t, &got)
	if s := strings.Join(asked, " "); got.Size != 5 || s != "HEAD GET GET HEAD" {
		t.Errorf("asked %s, got %+v", s, got)
	}
}

func TestGetACL(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	b.operations()
	var got s3.ACL
	b.get(t, aclPath, "key", "k").into(t, &got)
	if ops := b.operations(); ops != "GetObjectAcl" {
		t.Errorf("S3 was asked for %s", ops)
	}
	want := s3.ACL{Owner: s3.Owner{ID: got.Owner.ID}, Grants: []s3.Grant{{Type: "CanonicalUser", ID: got.Owner.ID, Permission: "FULL_CONTROL"}}}
	if diff := cmp.Diff(want, got); diff != "" || len(got.Owner.ID) != 64 {
		t.Error(got.Owner, diff)
	}
	b.get(t, aclPath).wantProblem(t, problem.InvalidRequest, "query.key")
}

// TestTrap34ACLOfWhatIsNotThere: a denial that names no action may be an absence, too.
func TestTrap34ACLOfWhatIsNotThere(t *testing.T) {
	b := answered(t, func(r *http.Request) *http.Response {
		if r.URL.Query().Has("acl") {
			return response(r, http.StatusForbidden, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
		}
		return response(r, http.StatusOK, `<ListBucketResult></ListBucketResult>`)
	})
	b.get(t, aclPath, "key", "k").wantProblem(t, problem.ObjectNotFound)
}

// TestACLWithGroups: grants to everybody are seen as such.
func TestACLWithGroups(t *testing.T) {
	b := answered(t, func(r *http.Request) *http.Response {
		return response(r, http.StatusOK, `<AccessControlPolicy><Owner><ID>o</ID><DisplayName>Ada</DisplayName></Owner><AccessControlList>`+
			`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">`+
			`<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`)
	})
	var got s3.ACL
	b.get(t, aclPath, "key", "k").into(t, &got)
	want := s3.ACL{
		Owner:  s3.Owner{ID: "o", DisplayName: "Ada"},
		Grants: []s3.Grant{{Type: "Group", URI: "http://acs.amazonaws.com/groups/global/AllUsers", Permission: "READ"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
