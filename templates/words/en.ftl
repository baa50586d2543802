# Everything people read, in English. Short, kind and concrete; no jargon in titles; titles without a full stop.
# An advice says what to do, never what went wrong inside. Tests name every text that is missing or left over.

-again = Please open the console again from your partner’s site.
-report = If this page comes back, send the details below to your partner’s support.

## Every page

switch-language = 中文

## Sign in

sign-in-title = Sign in
sign-in-heading = Sign in to { $name }
sign-in-lead = Then we take you straight to { $name }.
sign-in-username = User name
sign-in-password = Password
sign-in-submit = Sign in

## On the way to the cloud

deliver-title = Taking you to { $name }
deliver-wait = This takes only a moment.
deliver-continue = Continue
deliver-no-script = JavaScript is switched off in this browser, so this step needs a click.

help-question = Does your browser say that the page cannot be displayed?
help-update = Update the browser, or try another one. The cloud accepts only secure connections that older browsers do not know.
help-tls = On Windows, open Internet Options, choose Advanced, tick “Use TLS 1.2” and “Use TLS 1.3”, and restart the browser.
help-network = In a company network, ask the administrators whether { $name } may be reached.
help-again = Then open the console again from your partner’s site.

## Errors

error-way = Whose move it is
error-help = If you ask for help, please include these details.
error-code = Code
error-id = Reference
error-time = Time
error-sp = Service
error-again = Open the console again
error-back = Back to { $name }

owner-you =
    .name = You
    .sentence = Your move: you can solve this yourself.
owner-partner =
    .name = Partner
    .sentence = Your partner’s move: the support of the site you came from can solve this.
owner-operator =
    .name = Sign-in
    .sentence = Our move: the people who run this sign-in service need to solve this.
owner-cloud =
    .name = Cloud
    .sentence = The cloud’s move: it needs to solve this. Your partner’s support can pass it on.

## Opening an account

open-title = Open your { $name } account
open-lead = It belongs to you and takes about a minute. Then you go straight to the console.
open-name = Account name (optional)
open-name-hint = 5 to 32 letters, digits, hyphens or underscores, beginning with a letter. Without one the cloud chooses.
open-mobile = Mobile number
open-mobile-hint = A number in the Chinese mainland, 11 digits. The cloud sends a code there.
open-email = E-mail address
open-email-hint = The cloud sends a code there.
open-area = Country or region
open-area-hint = Two letters, such as SG.
open-code = Code
open-code-sent = Your code is on its way
open-code-where = To { $name }. It is valid for ten minutes.
open-consent = I have read these documents of { $name } and agree to them:
open-user-agreement = User agreement
open-privacy-statement = Privacy statement
open-submit = Open the account
open-send-code = Send a code
open-send-again = Send another code
open-existing = I already have a { $name } account

coming-title = Your account is being opened
coming-text = This can take a few minutes. You may stay here: the page goes on by itself. You may also come back later.
coming-look = Look again

## Signed out

signed-out-title = You are signed out
signed-out-text = If the cloud console is still open in another tab, please sign out there as well.
signed-out-again = Sign in again
leaving-title = Signing you out of { $name }
leaving-back = You are signed out. Taking you back to { $name }
leaving-stuck = You came back from there without an answer. You can try once more, or go on without it.
leaving-skip = Go on without it
partly-title = You are signed out here, but not everywhere
partly-text = These did not confirm it. Please sign out there as well, or close your browser:

## The link with a cloud account

linked-title = Your cloud account is ready
linked-text = From now on one click on your partner’s site takes you to { $name }.
linked-continue = Open the console
linked-back = Back to the partner’s site
unlinked-title = The link with your cloud account has ended
unlinked-text = The cloud has told us so. The next time you open the console from your partner’s site, you can create or link an account again.

## The reference of the API

api-title = HTTP API
api-lead = For a partner’s back end. Each call carries an API key: “Authorization: Bearer …”. Bodies and answers are JSON; a refusal is a problem document (RFC 9457) with one of our codes, and names every wrong field.
api-once = A call with fields also needs an “Idempotency-Key”, unless it only looks. The same key with the same body gives the same answer; nothing is done twice. An id of a customer is never an e-mail address or a telephone number.
api-document = The same as an OpenAPI 3.1 document
api-scope = Scope
api-fields = Fields
api-required = required
api-optional = optional
api-answer = Answer
api-refusals = Refusals
api-ticket = Get a one-time address that takes one customer to the cloud.
api-check-identity = See whether an account name, telephone number or e-mail address is free at the cloud. Give one of them.
api-send-code = Have the cloud send a verification code to a new customer’s telephone or mailbox, as the cloud asks. The code goes into the call that creates the account.
api-create = Begin to create a cloud account for a customer.
api-creation = See how far a creation is.
api-customer = See how a customer stands, with all of their history.
api-suspend = Let a customer in no more. The link with the cloud account stays.
api-resume = Let a suspended customer in again.
api-messages = List the messages to the webhook in one state, oldest first.
api-replay = Send a dead message anew, with all attempts.
api-sp-list = List the service providers of the tenant.
api-sp-see = See a registered service provider: its metadata, what is worth mending, and every version.
api-sp-put = Register a service provider by its metadata, which is the body, or change it. The answer tells every fault and what differs from before.
api-sp-remove = Remove an uploaded service provider; its history stays.

## SB-1…: the message cannot be read

SB-1001 =
    .title = This page does not open on its own
    .advice = It is one step on the way to the cloud console. { -again }
SB-1002 =
    .title = The cloud’s request contradicts itself
    .advice = A part of it arrived twice, and we cannot tell which one counts. { -again } { -report }
SB-1003 =
    .title = The cloud’s request is too long
    .advice = { -again } { -report }
SB-1004 =
    .title = The cloud’s request arrived damaged
    .advice = Some of its characters cannot be read, as happens when an address is copied by hand. { -again } { -report }
SB-1005 =
    .title = The cloud’s request arrived incomplete
    .advice = It was cut off or changed on its way. { -again } { -report }
SB-1006 =
    .title = The cloud’s request is far too large
    .advice = To keep everyone safe we stopped reading it. { -again } { -report }
SB-1007 =
    .title = The cloud’s request is not readable text
    .advice = { -again } { -report }
SB-1008 =
    .title = The cloud’s request holds something unsafe
    .advice = To keep everyone safe we stopped reading it. { -again } { -report }
SB-1009 =
    .title = The cloud’s request cannot be read
    .advice = It is not written in the form that was agreed on. { -again } { -report }
SB-1010 =
    .title = The cloud’s request is too complicated
    .advice = To keep everyone safe we stopped reading it. { -again } { -report }
SB-1011 =
    .title = The cloud sent something we did not expect
    .advice = We were waiting for a request to sign you in. { -again } { -report }
SB-1012 =
    .title = The cloud’s request follows another standard
    .advice = It names a version that we do not speak. { -again } { -report }
SB-1013 =
    .title = The cloud’s request is packed in an unknown way
    .advice = { -again } { -report }
SB-1014 =
    .title = The cloud gave us too much to carry back
    .advice = It sent a note along that we must return with our answer, and the note is too long. { -again } { -report }
SB-1015 =
    .title = The cloud gave us something we cannot carry back
    .advice = It sent a note along that we must return with our answer, and a browser would change it on the way. { -again } { -report }

## SB-2…: the request is not accepted

SB-2001 =
    .title = This entrance does not exist or is closed
    .advice = Please check the address, or open the console from your partner’s site. If you came from there, tell your partner’s support.
SB-2003 =
    .title = Your partner has not set up this service yet
    .advice = The service that sent you here is not registered. Please send the details below to your partner’s support.
SB-2004 =
    .title = The cloud’s request is not signed
    .advice = Without a signature we cannot be sure who asks, so we gave no answer. { -again } { -report }
SB-2005 =
    .title = The cloud’s request is signed in an unknown way
    .advice = We accept only signatures that are considered safe today. { -again } { -report }
SB-2006 =
    .title = The signature on the cloud’s request is not valid
    .advice = The request may have been changed on its way, so we gave no answer. { -again } { -report }
SB-2007 =
    .title = This request was meant for another address
    .advice = Your partner’s settings at the cloud name a different address. Please send the details below to your partner’s support.
SB-2008 =
    .title = The cloud asks for an answer at an unknown address
    .advice = We send your details only to addresses that the cloud has registered, so nothing was sent. { -again } { -report }
SB-2009 =
    .title = That took a little too long
    .advice = For your safety, a sign-in has to be finished within a few minutes. { -again }
SB-2010 =
    .title = Two clocks do not agree
    .advice = The request says it comes from the future. Please try again in a few minutes. { -report }
SB-2011 =
    .title = This sign-in was used already
    .advice = Each one works once; going back or reloading brings up an old one. { -again }
SB-2012 =
    .title = This address is out of date
    .advice = Your partner’s settings at the cloud name an address that is no longer in use. Please send the details below to your partner’s support.
SB-2013 =
    .title = The cloud asks for an answer in a way we do not offer
    .advice = { -again } { -report }
SB-2015 =
    .title = This service is not ready yet
    .advice = We are still waiting for what we need to answer it safely. Please try again in a few minutes. { -report }
SB-2040 =
    .title = This service cannot receive your data safely yet
    .advice = What we send there must be encrypted, and the service has given us nothing to encrypt with. { -report }

## SB-3…: who the person is

SB-3001 =
    .title = This link is not complete
    .advice = Please go back to your partner’s site and click there again. { -report }
SB-3002 =
    .title = This link is too old
    .advice = For your safety, it works only for a minute after your click. Please go back to your partner’s site and click there again.
SB-3003 =
    .title = This link was used already
    .advice = Each link opens the console once. Please go back to your partner’s site and click there again.
SB-3004 =
    .title = We cannot tell who made this link
    .advice = Its signature belongs to nobody we know, so we let nobody in. Please go back to your partner’s site and click there again. { -report }
SB-3005 =
    .title = This link is meant for another service
    .advice = Please go back to your partner’s site and click there again. { -report }
SB-3006 =
    .title = This link lacks something we need
    .advice = Your partner’s site sent us details that are missing or cannot be used. Please send the details below to your partner’s support.
SB-3007 =
    .title = User name or password is not correct
    .advice = Please check both and try again. If you have forgotten them, ask your partner’s support.
SB-3008 =
    .title = Too many attempts
    .advice = For your safety, signing in is paused. Please wait a few minutes and try again.
SB-3010 =
    .title = This sign-in is over
    .advice = If the console is open in another tab, just go on there. Otherwise it waited too long here. { -again }
SB-3011 =
    .title = This sign-in began in another browser
    .advice = Please finish it there, or begin anew in this browser: open the console from your partner’s site.
SB-3012 =
    .title = This form is no longer valid
    .advice = It was open for too long, or this browser does not accept cookies. Please allow cookies for this site. { -again }
SB-3014 =
    .title = Your access is switched off
    .advice = Your partner has closed this account for the console. Please ask your partner’s support to open it again.
SB-3015 =
    .title = You do not have a cloud account yet
    .advice = The first visit begins on your partner’s site: open the console from there, and you will be guided through the rest.
SB-3016 =
    .title = You sign in at your partner’s site
    .advice = There is no password to enter here. Please sign in on your partner’s site and open the console from there.
SB-3017 =
    .title = That service cannot be opened from here
    .advice = Please open the service from its own site, and choose to sign in with your partner there.
SB-3018 =
    .title = That page cannot be opened from here
    .advice = The link on your partner’s site leads to a page that was not agreed on. Please open the service without it, and tell your partner.
SB-3019 =
    .title = The service could not be told who you are
    .advice = Your partner’s records lack what the service knows its users by, such as an e-mail address. Please ask your partner to complete them.
SB-3020 =
    .title = The service asks you to sign in anew
    .advice = For your safety it wants a fresh sign-in, and your partner’s site did not ask you for one. Please sign out there, sign in again, and begin anew.
SB-3021 =
    .title = Too many sign-ins begin here at once
    .advice = Your network has begun very many sign-ins within minutes, so we make a pause. Please wait a few minutes and try again. { -report }

## SB-4…: the way into the cloud

SB-4001 =
    .title = This cloud page cannot be opened from here
    .advice = The link leads to a place that is not on the cloud’s list. Please open the console without it, and send the details below to your partner’s support.
SB-4002 =
    .title = The cloud cannot use one of your details
    .advice = Your name, phone number or e-mail address does not fit the cloud’s rules. Please check them on your partner’s site, or ask your partner’s support.
SB-4003 =
    .title = This service is opened from its own page
    .advice = Please go to the service itself and choose to sign in there. If you expected a link here, ask your partner’s support.
SB-4101 =
    .title = The cloud’s message cannot be read
    .advice = Your cloud account is not affected. { -again } { -report }
SB-4102 =
    .title = This message does not come from the cloud
    .advice = Its signature belongs to nobody we know, so we changed nothing. { -again } { -report }
SB-4103 =
    .title = We did not expect this message
    .advice = It may be an old page that was opened once more; nothing was changed. { -again }
SB-4104 =
    .title = Your cloud account needs a look by us
    .advice = The cloud names another account than we know for you. To keep you out of somebody else’s, we stopped here. { -report }
SB-4105 =
    .title = Your cloud account is being created
    .advice = This takes a minute at most. Please try again in a moment; you do not have to enter anything twice.
SB-4106 =
    .title = There is a cloud account already
    .advice = Nothing has to be created. { -again }
SB-4107 =
    .title = Your details at the cloud have another id
    .advice = Your partner’s site named you differently than before. Please send the details below to your partner’s support.
SB-4108 =
    .title = This id belongs to somebody else
    .advice = Your partner’s site named you like another customer, so we stopped. Please send the details below to your partner’s support.
SB-4109 =
    .title = We do not know this customer yet
    .advice = They become known with their first click, or when you create an account for them.
SB-4110 =
    .title = We are checking this with the cloud
    .advice = This takes a quarter of an hour at most, and you do not have to wait for it. { -again }

SB-4111 =
    .title = This cloud account belongs elsewhere
    .advice = It is linked with a customer of another partner. Please choose another account, or send the details below to your partner’s support.

## SB-5…: this gateway

SB-5001 =
    .title = We cannot sign you in right now
    .advice = A part of our service does not answer. Nothing is lost. Please try again in a minute.
SB-5002 =
    .title = It is very busy right now
    .advice = More people than usual are signing in. Please try again in a few seconds.
SB-5003 =
    .title = Something went wrong on our side
    .advice = We have made a note of it. Please try again. { -report }
SB-5004 =
    .title = This entrance is not ready yet
    .advice = We are still setting it up. Please try again later. { -report }
SB-5005 =
    .title = There is nothing at this address
    .advice = Please check the address, or open the console from your partner’s site.
SB-5006 =
    .title = This address does not work that way
    .advice = It cannot be opened like this. { -again }
SB-5007 =
    .title = That was too much at once
    .advice = More was sent than this address accepts. Please send less.
SB-5008 =
    .title = That took us too long
    .advice = We stopped so that you do not wait in vain. Please try again in a minute.

## SB-6…: the partner’s API; read by engineers

SB-6001 =
    .title = The API key is missing or wrong
    .advice = Please send a valid API key of this partner with the request.
SB-6002 =
    .title = The body of the request cannot be read
    .advice = Please send the JSON that the API’s documentation describes.
SB-6003 =
    .title = A field is missing or out of bounds
    .advice = Please compare the fields of the request with the API’s documentation.
SB-6004 =
    .title = This idempotency key belongs to another request
    .advice = Please repeat the first request unchanged, or use a new key for a new request.
SB-6005 =
    .title = The idempotency key is missing or cannot be used
    .advice = Please send a key of your own making with each request, as the API’s documentation describes.
SB-6006 =
    .title = This API key may not make this call
    .advice = Please use a key with the scope that the details name, or ask the gateway’s operator to add it.
SB-6007 =
    .title = No dead message has this id
    .advice = Please list the dead messages. One that was delivered, or still waits, is not sent anew.
SB-6008 =
    .title = The service provider’s metadata cannot be used
    .advice = Please mend what the findings say, or send it to whoever runs the service provider.
SB-6009 =
    .title = This service provider is declared in the configuration
    .advice = Please ask the operator of this platform to change it there.
SB-6010 =
    .title = There is no such service provider
    .advice = Please compare the entityID letter by letter. In the address it is percent-encoded.
SB-6011 =
    .title = Somebody else changes this service provider
    .advice = Please look at what is registered now, and try again.

## SB-61…: what the cloud says about a new customer

SB-6101 =
    .title = This account name is taken
    .advice = Please choose another name for the account.
SB-6102 =
    .title = This account name cannot be used
    .advice = Please use 5 to 32 letters, digits, underscores or hyphens, with a letter first.
SB-6103 =
    .title = This contact is in use already
    .advice = Please use another mobile number or e-mail address, or link the account that you have.
SB-6104 =
    .title = This contact cannot be used
    .advice = Please check the mobile number or e-mail address.
SB-6105 =
    .title = This password cannot be used
    .advice = Please use at least 8 characters of two kinds, without the account name, mobile number or e-mail address.
SB-6106 =
    .title = The verification code has expired
    .advice = Please ask for a new code and enter it within ten minutes.
SB-6107 =
    .title = The verification code is wrong
    .advice = Please compare it with the message that you received.
SB-6108 =
    .title = The verification code was tried too often
    .advice = Please ask for a new code.
SB-6109 =
    .title = Verification codes were asked for too often
    .advice = Please wait a few minutes before you ask for another one.
SB-6110 =
    .title = The verification code could not be sent
    .advice = Please try again in a minute.
SB-6111 =
    .title = This contact is reserved at the cloud
    .advice = Please use another mobile number or e-mail address, or ask your partner’s support.
SB-6112 =
    .title = The cloud knows this customer already
    .advice = Please ask your partner’s support to look into it.
SB-6113 =
    .title = The partner may not create customers now
    .advice = The partner’s administrators can see the reason in the cloud’s partner centre.
SB-6114 =
    .title = The partner’s access to the cloud is too narrow
    .advice = The partner’s administrators can extend the permissions of the key or user that is used here.
SB-6115 =
    .title = The cloud does not accept our credentials
    .advice = { -report }
SB-6116 =
    .title = The cloud does not understand us
    .advice = { -report }
SB-6117 =
    .title = The cloud is busy
    .advice = Please try again in a minute.
SB-6118 =
    .title = The cloud does not answer
    .advice = Please try again in a few minutes.
SB-6119 =
    .title = The cloud’s answer cannot be used
    .advice = { -report }
SB-6120 =
    .title = The cloud has not confirmed the account yet
    .advice = Nothing is lost. We keep asking; please come back in a few minutes.
SB-6121 =
    .title = Accounts cannot be created here
    .advice = This platform is not set up to create cloud accounts by itself. Please tell its operator.
SB-6122 =
    .title = There is no such creation
    .advice = Please check the id. It is in the answer with which the creation began.
SB-6123 =
    .title = Please agree to the cloud’s documents
    .advice = Please read the user agreement and the privacy statement, and tick the box to agree to them.