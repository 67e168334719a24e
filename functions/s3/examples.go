package s3

import (
	"net/http"
	"time"

	"github.com/arngate/arngate/shared/problem"
)

// Examples are of the demo site, so that they can be sent as they are. They are only read.
var (
	exampleTime    = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	exampleBuckets = map[string]any{"items": []Bucket{{Name: exampleBucket, CreatedAt: exampleTime, Region: "eu-central-1"}}}
	exampleObjects = Listing{
		Items: []Object{{
			Key: "readme.txt", Size: 1071, ModifiedAt: exampleTime, ETag: exampleETag, StorageClass: "STANDARD",
		}},
		Folders: []string{"reports/"},
	}
	exampleStored   = Stored{Key: "notes/hello.txt", Size: 12, ETag: exampleETag}
	exampleMetadata = Metadata{
		Key: "reports/2026/q1.csv", Size: 46, ETag: exampleETag, ModifiedAt: exampleTime, ContentType: "text/csv",
		StorageClass: storageClassStandard, Encryption: "AES256", Metadata: map[string]string{"author": "Ada"},
	}
	exampleACL = ACL{
		Owner:  Owner{ID: exampleOwner},
		Grants: []Grant{{Type: "CanonicalUser", ID: exampleOwner, Permission: "FULL_CONTROL"}},
	}

	exampleDelete  = DeleteBody{Bucket: exampleBucket, Keys: []string{"notes/a.txt", "notes/b.txt"}}
	exampleDeleted = Outcomes{
		Items: []Outcome{
			{Key: "notes/a.txt", Outcome: outcomeDeleted},
			{Key: "notes/b.txt", Outcome: outcomeFailed, Problem: exampleFailure},
		},
		Failed: 1,
	}
	exampleFailure = &problem.Document{
		Type: "urn:arngate:problem:aws_access_denied", Title: "AWS denied the action", Status: http.StatusForbidden,
		Detail: "AWS denied the action.", Code: problem.AWSAccessDenied,
		MissingAction: "s3:DeleteObject", Resource: "arn:aws:s3:::demo-files/notes/b.txt",
	}
	exampleCopy = CopyBody{
		From: End{Bucket: exampleBucket, Key: new("readme.txt")}, To: End{Bucket: exampleBucket, Key: new("notes/readme.txt")},
	}
	exampleCopied = Outcomes{Items: []Outcome{{Key: "readme.txt", To: "notes/readme.txt", Outcome: outcomeCopied}}}
	exampleMove   = CopyBody{
		From: End{Bucket: exampleBucket, Prefix: new("reports/2026/")}, To: End{Bucket: exampleBucket, Prefix: new("archive/2026/")},
	}
	exampleMoved = Outcomes{
		Items: []Outcome{
			{Key: "reports/2026/q1.csv", To: "archive/2026/q1.csv", Outcome: outcomeMoved},
			{Key: "reports/2026/q2.csv", To: "archive/2026/q2.csv", Outcome: outcomeMoved},
		},
	}

	exampleUploadAsked = UploadBody{
		Key: "photos/cat.jpg", ContentType: "image/jpeg", MinSize: 1, MaxSize: 10 << 20, Life: Life{ExpiresIn: 900},
	}
	exampleUpload = Upload{
		Kind: kindPost, Key: "photos/cat.jpg", Method: http.MethodPost, URL: "https://demo-files.s3.eu-central-1.amazonaws.com",
		Fields: map[string]string{ //nolint:gosec // AWS's own example of an access key id
			"Content-Type": "image/jpeg", "key": "photos/cat.jpg", "policy": "eyJjb25kaXRpb25zIjpbXX0=", "success_action_status": "201",
			"x-amz-expected-bucket-owner": "444455556666", "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
			"X-Amz-Credential": "ASIAIOSFODNN7EXAMPLE/20260105/eu-central-1/s3/aws4_request", "X-Amz-Date": "20260105T090000Z",
			"X-Amz-Security-Token": "...", "X-Amz-Signature": "...",
		},
		ExpiresAt: exampleTime.Add(linkLife),
	}
	examplePartsAsked = PartsBody{Key: "videos/launch.mp4", UploadID: "VXBsb2FkIElE", Numbers: []int{501, 502}}
	exampleParts      = Parts{
		Items:     []Part{{Number: 501, URL: exampleURL}, {Number: 502, URL: exampleURL}},
		ExpiresAt: exampleTime.Add(linkLife),
	}
	exampleCompletion = CompletionBody{
		Key: "videos/launch.mp4", UploadID: "VXBsb2FkIElE",
		Parts: []SentPart{{Number: 1, ETag: exampleETag}, {Number: 2, ETag: `"e4d7f1b4ed2e42d15898f4b27b019da4"`}},
	}
	exampleCompleted = Completed{Key: "videos/launch.mp4", ETag: `"d41d8cd98f00b204e9800998ecf8427e-2"`}

	exampleDownloadsAsked = DownloadsBody{
		Objects: []DownloadOf{
			{Bucket: exampleBucket, Key: "reports/2026/q1.csv", FileName: "orders.csv"}, {Bucket: exampleBucket, Key: "readme.txt"},
		},
	}
	exampleDownloads = Downloads{
		Items: []Download{
			{Bucket: exampleBucket, Key: "reports/2026/q1.csv", FileName: "orders.csv", URL: exampleURL},
			{Bucket: exampleBucket, Key: "readme.txt", FileName: "readme.txt", URL: exampleURL},
		},
		ExpiresAt: exampleTime.Add(linkLife),
	}
)

const (
	exampleBucket = "demo-files"
	exampleETag   = `"9bb58f26192e4ba00f01e2e7b136bbd8"`
	exampleOwner  = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
	exampleURL    = "https://demo-files.s3.eu-central-1.amazonaws.com/..."
)
