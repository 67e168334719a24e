package s3

import (
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// Which actions an operation needs: "Actions, resources, and condition keys for Amazon S3", Service
// Authorization Reference, and the permissions sections of the API Reference.

type needs = func(*Service, *request) ([]protocol.Access, error)

func onEverything(action string) needs {
	return func(*Service, *request) ([]protocol.Access, error) {
		return []protocol.Access{{Action: action, Resource: "*"}}, nil
	}
}

func onBucket(action string) needs {
	return func(_ *Service, r *request) ([]protocol.Access, error) {
		return []protocol.Access{r.bucketAccess(action, nil)}, nil
	}
}

func onObject(action string) needs {
	return func(_ *Service, r *request) ([]protocol.Access, error) {
		return []protocol.Access{r.objectAccess(action, r.key, nil)}, nil
	}
}

// needsListing is an action on the bucket with the keys by which policies bound a listing. A parameter that
// was not sent is a key that is not there, not an empty one.
func needsListing(action string) needs {
	return func(_ *Service, r *request) ([]protocol.Access, error) {
		keys := policy.Context{}
		for _, name := range []string{"prefix", "delimiter", "max-keys"} {
			if value, sent := r.param(name); sent {
				keys["s3:"+name] = []string{value}
			}
		}
		return []protocol.Access{r.bucketAccess(action, keys)}, nil
	}
}

// needsRead is the action on the current version, or the other one where a version is named.
func needsRead(action, versioned string) needs {
	return func(_ *Service, r *request) ([]protocol.Access, error) {
		version := r.query.Get("versionId")
		if version == "" {
			return []protocol.Access{r.objectAccess(action, r.key, nil)}, nil
		}
		keys := policy.Context{"s3:VersionId": {version}}
		return []protocol.Access{r.objectAccess(versioned, r.key, keys)}, nil
	}
}

// needsWrite is PutObject, and GetObject too where If-Match compares with what is there.
func needsWrite(_ *Service, r *request) ([]protocol.Access, error) {
	accesses := []protocol.Access{r.objectAccess("s3:PutObject", r.key, r.conditionKeys())}
	if r.header.Get("If-Match") != "" {
		accesses = append(accesses, r.objectAccess("s3:GetObject", r.key, nil))
	}
	return accesses, nil
}

// needsDelete is DeleteObject, and GetObject too where If-Match names an ETag: for `*` it isn't needed
// ("Enforce conditional deletes on Amazon S3 buckets").
func needsDelete(_ *Service, r *request) ([]protocol.Access, error) {
	action, keys := "s3:DeleteObject", r.conditionKeys()
	if version := r.query.Get("versionId"); version != "" {
		action, keys["s3:VersionId"] = "s3:DeleteObjectVersion", []string{version}
	}
	accesses := []protocol.Access{r.objectAccess(action, r.key, keys)}
	if match := r.header.Get("If-Match"); match != "" && match != "*" {
		accesses = append(accesses, r.objectAccess("s3:GetObject", r.key, nil))
	}
	return accesses, nil
}

// needsCopy is reading the source and writing the target.
func needsCopy(s *Service, r *request) ([]protocol.Access, error) {
	source, err := s.copySource(r)
	if err != nil {
		return nil, err
	}
	read := source.access("s3:GetObject", nil)
	if source.version != "" {
		read = source.access("s3:GetObjectVersion", policy.Context{"s3:VersionId": {source.version}})
	}
	write, err := needsWrite(s, r)
	return append([]protocol.Access{read}, write...), err
}

// needsCreateBucket is CreateBucket in the caller's own account.
func needsCreateBucket(_ *Service, r *request) ([]protocol.Access, error) {
	return []protocol.Access{{Action: "s3:CreateBucket", Resource: bucketARN(r.call.Region, r.bucket)}}, nil
}

// conditionKeys are s3:if-match and s3:if-none-match of a request that has these headers; never nil.
func (r *request) conditionKeys() policy.Context {
	keys := policy.Context{}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if value := r.header.Get(name); value != "" {
			keys["s3:"+strings.ToLower(name)] = []string{value}
		}
	}
	return keys
}

func (r *request) bucketAccess(action string, keys policy.Context) protocol.Access {
	return protocol.Access{
		Action: action, Resource: bucketARN(r.region, r.bucket), ResourceAccount: r.owner, ResourcePolicy: r.policy, Context: keys,
	}
}

func (r *request) objectAccess(action, key string, keys policy.Context) protocol.Access {
	a := r.bucketAccess(action, keys)
	a.Resource += "/" + key
	return a
}

// authorize asks for one more access than Resolve named. Only one that decides about a change is logged.
func (r *request) authorize(a protocol.Access, log bool) error {
	if r.call.Authorize == nil {
		return nil
	}
	return r.call.Authorize(a, log)
}

// missing is the answer where there is no such key: NoSuchKey only for those who may list the bucket, else
// the denial of that (traps.md 34).
func (r *request) missing(key string) error {
	if err := r.authorize(r.bucketAccess("s3:ListBucket", nil), false); err != nil {
		return err
	}
	return noSuchKey(key)
}

func bucketARN(region, bucket string) string {
	return "arn:" + partition(region) + ":s3:::" + bucket
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func dnsSuffix(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
