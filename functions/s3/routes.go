package s3

import (
	"net/http"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

func (h *handler) registerReads(api *httpapi.API) {
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "list-buckets", Method: http.MethodGet, Path: root,
		Summary: "List buckets", Description: listBucketsDescription,
		Problems: []problem.Code{problem.CursorInvalid}, ResponseExample: exampleBuckets,
	}), h.listBuckets)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "list-objects", Method: http.MethodGet, Path: objects,
		Summary: "List objects and folders", Description: listObjectsDescription,
		Problems:        []problem.Code{problem.BucketNotFound, problem.CursorInvalid},
		TooLarge:        "Ask for fewer objects at a time.",
		ResponseExample: exampleObjects,
	}), h.listObjects)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "get-object", Method: http.MethodGet, Path: object,
		Summary: "Get an object", Description: getObjectDescription,
		Problems: []problem.Code{problem.BucketNotFound, problem.ObjectNotFound, problem.ConditionFailed},
		TooLarge: tooLargeInline, Others: getObjectOthers,
		Forms: []httpapi.Media{{Type: "*/*", Example: "Hello, Ada!\n"}}, // the object's own
	}), h.getObject)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "get-object-metadata", Method: http.MethodGet, Path: object + "/metadata",
		Summary: "Get an object's metadata", Description: getMetadataDescription,
		Problems: []problem.Code{problem.BucketNotFound, problem.ObjectNotFound}, ResponseExample: exampleMetadata,
	}), h.getMetadata)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "get-object-acl", Method: http.MethodGet, Path: object + "/acl",
		Summary: "Get an object's owner and grants", Description: getACLDescription,
		Problems: []problem.Code{problem.BucketNotFound, problem.ObjectNotFound}, ResponseExample: exampleACL,
	}), h.getACL)
}

func (h *handler) registerWrites(api *httpapi.API) {
	problems := []problem.Code{
		problem.BucketNotFound, problem.ObjectNotFound, problem.ConditionFailed, problem.OutcomeUnknown,
	}
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "put-object", Method: http.MethodPut, Path: object,
		Summary: "Put an object", Description: putObjectDescription,
		Problems: problems, RequestExample: "Hello, Ada!\n", ResponseExample: exampleStored,
	}), h.putObject)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "delete-object", Method: http.MethodDelete, Path: object,
		Summary: "Delete an object", Description: deleteObjectDescription,
		Problems: problems,
	}), h.deleteObject)
}

func (h *handler) registerBulk(api *httpapi.API) {
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "delete-objects", Method: http.MethodPost, Path: service + "/delete",
		Summary: "Delete many objects", Description: deleteObjectsDescription,
		Problems:       []problem.Code{problem.BucketNotFound, problem.CursorInvalid},
		TooLarge:       tooLargeBulk,
		RequestExample: exampleDelete, ResponseExample: exampleDeleted,
	}), h.deleteObjects)
	problems := []problem.Code{
		problem.BucketNotFound, problem.ObjectNotFound, problem.ConditionFailed, problem.OutcomeUnknown, problem.CursorInvalid,
	}
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "copy-objects", Method: http.MethodPost, Path: service + "/copy",
		Summary: "Copy an object, or a folder of them", Description: copyObjectsDescription,
		Problems: problems, RequestExample: exampleCopy, ResponseExample: exampleCopied,
	}), h.copyObjects)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "move-objects", Method: http.MethodPost, Path: service + "/move",
		Summary: "Move or rename an object, or a folder of them", Description: moveObjectsDescription,
		Problems: problems, RequestExample: exampleMove, ResponseExample: exampleMoved,
	}), h.moveObjects)
}

func (h *handler) registerTransfers(api *httpapi.API) {
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "create-upload", Method: http.MethodPost, Path: uploads,
		Summary: "Begin an upload that goes to S3 itself", Description: createUploadDescription,
		Problems:       []problem.Code{problem.BucketNotFound},
		RequestExample: exampleUploadAsked, ResponseExample: exampleUpload,
	}), h.createUpload)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "sign-upload-parts", Method: http.MethodPost, Path: uploads + "/parts",
		Summary: "Get fresh URLs for parts of an upload", Description: signPartsDescription,
		Problems:       []problem.Code{problem.BucketNotFound},
		RequestExample: examplePartsAsked, ResponseExample: exampleParts,
	}), h.signParts)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "complete-upload", Method: http.MethodPost, Path: uploads + "/complete",
		Summary: "Complete a multipart upload", Description: completeUploadDescription,
		Problems: []problem.Code{
			problem.BucketNotFound, problem.ObjectNotFound, problem.ConditionFailed, problem.OutcomeUnknown,
		},
		RequestExample: exampleCompletion, ResponseExample: exampleCompleted,
	}), h.completeUpload)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "create-downloads", Method: http.MethodPost, Path: service + "/downloads",
		Summary: "Get URLs to download objects by", Description: createDownloadsDescription,
		Problems:       []problem.Code{problem.BucketNotFound},
		TooLarge:       "Ask for the URLs of fewer keys at a time.",
		RequestExample: exampleDownloadsAsked, ResponseExample: exampleDownloads,
	}), h.createDownloads)
}
