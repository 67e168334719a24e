package problem

import (
	"regexp"
	"strings"
	"sync"
)

// explainDenial names the missing permission. AWS's message says it best ("User: ... is not authorized to
// perform: A on resource: R because ..."); where it says nothing, the operation's own action is it.
func (e *Error) explainDenial(service, operation, message string) {
	if !ofConnector(service) {
		return
	}
	account := principalAccount(message)
	e.MissingAction = missingAction(message)
	if e.MissingAction == "" {
		e.MissingAction = actionOf(service, operation)
	}
	if resource := missingResource(message); mayPass(resource, account) {
		e.Resource = resource
	}
	switch {
	case strings.HasPrefix(e.MissingAction, "kms:"):
		e.Detail = "AWS denied the use of the KMS key that encrypts this."
		e.Hint = "Ask the AWS administrator to allow " + e.MissingAction + " on the key: in the role's policy and the key's own."
	case service == "s3" && strings.HasPrefix(operation, "Head"):
		// A HEAD's answer has no body, and is a 403 for a missing object too (trap 34).
		e.Hint = "AWS gives no reason here. Without s3:ListBucket it also denies what doesn't exist: ask the AWS administrator for both."
	case strings.Contains(message, "with an explicit deny"):
		e.Detail = "A policy of AWS denies the action explicitly."
		e.Hint = "An allow won't help: ask the AWS administrator which policy denies it."
	}
}

// ofConnector is true for services that are called with the customer's credentials. Messages of others
// (STS, KMS under our own role) speak of the operator's account and are never passed on (trap 22).
func ofConnector(service string) bool {
	return service == "dynamodb" || service == "s3" || service == "lambda"
}

var (
	principalPattern = pattern(`User: arn:[a-z-]+:(?:sts|iam)::(\d{12}):`)
	actionPattern    = pattern(`not authorized to perform: ([a-z0-9-]{1,32}:[A-Za-z]{1,64})`)
	resourcePattern  = pattern(`on resource: "?(arn:[^\s"]+|\*)`)
	arnPattern       = pattern(`arn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:(\d{12})?:[^\s"',]*`)
	numberPattern    = pattern(`\d+`)
)

// pattern is an expression that is compiled when it is first used: most cold starts meet no denial.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

func principalAccount(message string) string { return submatch(principalPattern(), message) }

func missingAction(message string) string { return submatch(actionPattern(), message) }

func missingResource(message string) string {
	return strings.TrimRight(submatch(resourcePattern(), message), ".,")
}

func submatch(p *regexp.Regexp, s string) string {
	if m := p.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// mayPass says that an ARN belongs to the caller's own call: to the account of its own principal, or, as
// those of S3 do, to none.
func mayPass(arn, account string) bool {
	m := arnPattern().FindStringSubmatch(arn)
	return m == nil || m[1] == "" || m[1] == account
}

const accountDigits = 12

// SafeMessage is AWS's message without the ARNs and numbers of other accounts than the one the call was
// made in (trap 22). Which that is, only a denial says, by its principal; without it every account goes.
func SafeMessage(service, message string) string {
	if !ofConnector(service) {
		return ""
	}
	account := principalAccount(message)
	message = arnPattern().ReplaceAllStringFunc(message, func(arn string) string {
		if mayPass(arn, account) {
			return arn
		}
		return "[arn]"
	})
	// A letter beside the number makes it no less an account's.
	return numberPattern().ReplaceAllStringFunc(message, func(number string) string {
		if len(number) != accountDigits || number == account {
			return number
		}
		return "[account]"
	})
}

// actionOf is the IAM action of a connector's operation, by the Service Authorization Reference.
func actionOf(service, operation string) string {
	switch operation {
	case "ListBuckets":
		return "s3:ListAllMyBuckets"
	case "ListObjectsV2", "ListObjects", "HeadBucket":
		return "s3:ListBucket"
	case "HeadObject":
		return "s3:GetObject"
	case "DeleteObjects":
		return "s3:DeleteObject"
	case "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload":
		return "s3:PutObject"
	case "Invoke":
		return "lambda:InvokeFunction"
	case "TransactWriteItems", "BatchWriteItem":
		return "" // whichever of its items' actions it was, the message says
	}
	return service + ":" + operation
}
