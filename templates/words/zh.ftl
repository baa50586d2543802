# 所有给人看的文字（简体中文）。短、亲切、具体；标题不用术语，句末不加句号。
# 建议只写用户该怎么做，从不写内部原因。缺少或多余的文字由测试逐条指出。

-again = 请回到合作伙伴网站，重新打开云控制台。
-report = 如果再次看到此页，请把下方的信息发给合作伙伴的客服。

## 每个页面

switch-language = English

## 登录

sign-in-title = 登录
sign-in-heading = 登录{ $name }
sign-in-lead = 登录后将直接进入{ $name }。
sign-in-username = 用户名
sign-in-password = 密码
sign-in-submit = 登录

## 前往云控制台

deliver-title = 正在前往{ $name }
deliver-wait = 马上就好，请稍候。
deliver-continue = 继续
deliver-no-script = 您的浏览器关闭了 JavaScript，请点击按钮继续。

help-question = 浏览器提示“无法显示此页面”？
help-update = 请升级浏览器，或换一个浏览器再试。云服务只接受安全连接，旧版浏览器可能不支持。
help-tls = 在 Windows 中打开“Internet 选项”，在“高级”页勾选“使用 TLS 1.2”和“使用 TLS 1.3”，然后重启浏览器。
help-network = 如果您在公司网络中，请向网络管理员确认能否访问 { $name }。
help-again = 然后回到合作伙伴网站，重新打开云控制台。

## 出错

error-way = 由谁处理
error-help = 寻求帮助时，请一并提供以下信息。
error-code = 错误码
error-id = 查询编号
error-time = 时间
error-sp = 服务
error-again = 重新打开控制台
error-back = 返回{ $name }

owner-you =
    .name = 您
    .sentence = 由您处理：这个问题您自己就能解决。
owner-partner =
    .name = 合作伙伴
    .sentence = 由合作伙伴处理：请联系您刚才所在网站的客服。
owner-operator =
    .name = 登录服务
    .sentence = 由我们处理：登录服务的运维人员会来解决。
owner-cloud =
    .name = 云服务
    .sentence = 由云服务商处理：合作伙伴的客服可以代为反馈。

## 开通账号

open-title = 开通您的{ $name }账号
open-lead = 账号归您所有，开通约需一分钟，完成后将直接进入控制台。
open-name = 账号名（选填）
open-name-hint = 5 到 32 个字母、数字、连字符或下划线，以字母开头。不填写时由云平台生成。
open-mobile = 手机号
open-mobile-hint = 中国大陆手机号，11 位数字。云平台会向该号码发送验证码。
open-email = 邮箱地址
open-email-hint = 云平台会向该邮箱发送验证码。
open-area = 国家或地区
open-area-hint = 两个字母的代码，例如 SG。
open-code = 验证码
open-code-sent = 验证码正在发送
open-code-where = 发往 { $name }，十分钟内有效。
open-consent = 我已阅读并同意{ $name }的以下文件：
open-user-agreement = 用户协议
open-privacy-statement = 隐私政策声明
open-submit = 开通账号
open-send-code = 发送验证码
open-send-again = 重新发送验证码
open-existing = 我已有{ $name }账号

coming-title = 正在开通您的账号
coming-text = 这可能需要几分钟。您可以停留在此页面，完成后会自动继续；也可以稍后再来。
coming-look = 再看一次

## 已退出

signed-out-title = 您已退出登录
signed-out-text = 如果云控制台还开着，请在那个标签页里也退出登录。
signed-out-again = 重新登录
leaving-title = 正在退出{ $name }
leaving-back = 您已退出登录，正在返回{ $name }
leaving-stuck = 对方没有确认。您可以再试一次，也可以跳过它继续。
leaving-skip = 跳过并继续
partly-title = 您已在此处退出，但并非所有地方都已退出
partly-text = 以下网站没有确认退出，请在那里也退出登录，或关闭浏览器：

## 云账号关联

linked-title = 您的云账号已就绪
linked-text = 今后在合作伙伴网站上点击一次，即可进入{ $name }。
linked-continue = 打开控制台
linked-back = 返回合作伙伴网站
unlinked-title = 云账号关联已解除
unlinked-text = 云平台已通知我们。下次从合作伙伴网站打开控制台时，可以重新创建或关联账号。

## 接口说明

api-title = HTTP 接口
api-lead = 供合作伙伴的后端调用。每次调用都须携带 API 密钥：“Authorization: Bearer …”。请求和应答均为 JSON；被拒绝时返回带有错误码的问题文档（RFC 9457），并逐一指出有误的字段。
api-once = 带字段的调用还须携带“Idempotency-Key”，仅作查询的除外。相同的键和内容得到相同的应答，不会重复执行。客户标识不得使用邮箱地址或电话号码。
api-document = OpenAPI 3.1 格式的同一份文档
api-scope = 权限范围
api-fields = 字段
api-required = 必填
api-optional = 可选
api-answer = 应答
api-refusals = 可能的拒绝原因
api-ticket = 获取一次性地址，让一位客户进入云平台。
api-check-identity = 查询账号名、手机号或邮箱在云平台是否可用，每次提供其中一项。
api-send-code = 请云平台向新客户的手机或邮箱（以云平台要求为准）发送验证码。创建账号时须提供该验证码。
api-create = 开始为客户创建云账号。
api-creation = 查询创建进度。
api-customer = 查询客户的现状及全部历史。
api-suspend = 暂停客户的访问，云账号关联保持不变。
api-resume = 恢复已暂停客户的访问。
api-messages = 按状态列出发往 Webhook 的消息，最早的在前。
api-replay = 重新发送一条投递失败的消息，重试次数从头计算。
api-sp-list = 列出租户的服务提供者。
api-sp-see = 查看已注册的服务提供者：元数据、检查结果及全部历史版本。
api-sp-put = 以请求正文中的元数据注册或更新服务提供者，应答列出全部检查结果以及与之前版本的差异。
api-sp-remove = 移除已上传的服务提供者，其历史予以保留。

## SB-1…：消息无法读取

SB-1001 =
    .title = 此页面不能直接打开
    .advice = 它只是进入云控制台途中的一步。{ -again }
SB-1002 =
    .title = 云服务的请求前后矛盾
    .advice = 其中一部分重复出现，我们无法判断以哪个为准。{ -again }{ -report }
SB-1003 =
    .title = 云服务的请求过长
    .advice = { -again }{ -report }
SB-1004 =
    .title = 云服务的请求已损坏
    .advice = 其中有些字符无法读取，手动复制网址时常会这样。{ -again }{ -report }
SB-1005 =
    .title = 云服务的请求不完整
    .advice = 它在传输途中被截断或改动了。{ -again }{ -report }
SB-1006 =
    .title = 云服务的请求过大
    .advice = 为了安全，我们没有继续读取。{ -again }{ -report }
SB-1007 =
    .title = 云服务的请求不是可读的文本
    .advice = { -again }{ -report }
SB-1008 =
    .title = 云服务的请求含有不安全的内容
    .advice = 为了安全，我们没有继续读取。{ -again }{ -report }
SB-1009 =
    .title = 云服务的请求无法读取
    .advice = 它的格式与约定不符。{ -again }{ -report }
SB-1010 =
    .title = 云服务的请求过于复杂
    .advice = 为了安全，我们没有继续读取。{ -again }{ -report }
SB-1011 =
    .title = 云服务发来了意料之外的内容
    .advice = 我们等待的是一个登录请求。{ -again }{ -report }
SB-1012 =
    .title = 云服务的请求采用了其他标准
    .advice = 我们不支持它使用的版本。{ -again }{ -report }
SB-1013 =
    .title = 云服务的请求打包方式未知
    .advice = { -again }{ -report }
SB-1014 =
    .title = 云服务要求带回的内容过长
    .advice = 云服务附来一段内容，要求随答复原样带回，但它太长了。{ -again }{ -report }
SB-1015 =
    .title = 云服务要求带回的内容无法原样带回
    .advice = 云服务附来一段内容，要求随答复原样带回，但浏览器会在途中改动它。{ -again }{ -report }

## SB-2…：请求未被接受

SB-2001 =
    .title = 这个入口不存在或已关闭
    .advice = 请检查网址，或从合作伙伴网站打开云控制台。如果您正是从那里来的，请告知合作伙伴的客服。
SB-2003 =
    .title = 合作伙伴尚未接入此服务
    .advice = 让您来到这里的服务还没有登记。请把下方的信息发给合作伙伴的客服。
SB-2004 =
    .title = 云服务的请求没有签名
    .advice = 没有签名就无法确认请求来自谁，因此我们没有答复。{ -again }{ -report }
SB-2005 =
    .title = 云服务请求的签名方式未知
    .advice = 我们只接受目前公认安全的签名方式。{ -again }{ -report }
SB-2006 =
    .title = 云服务请求的签名无效
    .advice = 请求可能在途中被改动，因此我们没有答复。{ -again }{ -report }
SB-2007 =
    .title = 这个请求本应发往其他地址
    .advice = 合作伙伴在云服务中填写的地址与此处不一致。请把下方的信息发给合作伙伴的客服。
SB-2008 =
    .title = 云服务要求把答复发往未知地址
    .advice = 您的信息只会发往云服务登记过的地址，因此我们什么也没有发送。{ -again }{ -report }
SB-2009 =
    .title = 等待时间有点长
    .advice = 为了您的安全，登录需要在几分钟内完成。{ -again }
SB-2010 =
    .title = 两边的时钟不一致
    .advice = 请求上的时间比我们的时间还晚。请过几分钟再试。{ -report }
SB-2011 =
    .title = 这次登录已经用过了
    .advice = 每次登录只能使用一次，后退或刷新会打开旧的那一次。{ -again }
SB-2012 =
    .title = 这个地址已经过期
    .advice = 合作伙伴在云服务中填写的地址已停用。请把下方的信息发给合作伙伴的客服。
SB-2013 =
    .title = 我们不支持云服务要求的答复方式
    .advice = { -again }{ -report }
SB-2015 =
    .title = 此服务尚未就绪
    .advice = 我们还在等待安全答复所需的资料。请过几分钟再试。{ -report }
SB-2040 =
    .title = 此服务尚不能安全接收您的资料
    .advice = 发往该服务的资料必须加密，但它没有提供可用的加密密钥。{ -report }

## SB-3…：身份

SB-3001 =
    .title = 这个链接不完整
    .advice = 请回到合作伙伴网站，重新点击进入。{ -report }
SB-3002 =
    .title = 这个链接已过期
    .advice = 为了您的安全，链接在点击后一分钟内有效。请回到合作伙伴网站，重新点击进入。
SB-3003 =
    .title = 这个链接已经用过了
    .advice = 每个链接只能打开一次控制台。请回到合作伙伴网站，重新点击进入。
SB-3004 =
    .title = 无法确认这个链接的来源
    .advice = 链接上的签名不属于我们认识的任何一方，因此没有放行。请回到合作伙伴网站，重新点击进入。{ -report }
SB-3005 =
    .title = 这个链接是给其他服务用的
    .advice = 请回到合作伙伴网站，重新点击进入。{ -report }
SB-3006 =
    .title = 这个链接缺少必要的信息
    .advice = 合作伙伴网站发来的资料缺失或无法使用。请把下方的信息发给合作伙伴的客服。
SB-3007 =
    .title = 用户名或密码不正确
    .advice = 请检查后重试。如果忘记了，请联系合作伙伴的客服。
SB-3008 =
    .title = 尝试次数过多
    .advice = 为了您的安全，登录已暂停。请等几分钟再试。
SB-3010 =
    .title = 这次登录已经结束
    .advice = 如果控制台已在其他标签页打开，请在那里继续。否则就是这里等待太久了，{ -again }
SB-3011 =
    .title = 这次登录是在另一个浏览器中开始的
    .advice = 请回到那个浏览器完成，或在这个浏览器中从合作伙伴网站重新打开云控制台。
SB-3012 =
    .title = 这个表单已失效
    .advice = 它打开得太久，或浏览器没有接受 Cookie。请允许本网站使用 Cookie。{ -again }
SB-3014 =
    .title = 您的访问已停用
    .advice = 合作伙伴停用了此账号的控制台访问。如需恢复，请联系合作伙伴的客服。
SB-3015 =
    .title = 您还没有云账号
    .advice = 首次进入要从合作伙伴网站开始：请在那里打开云控制台，之后会有逐步指引。
SB-3016 =
    .title = 请在合作伙伴网站登录
    .advice = 这里不需要输入密码。请先登录合作伙伴网站，再从那里打开云控制台。
SB-3017 =
    .title = 无法从这里打开该服务
    .advice = 请从该服务自己的网站进入，并在那里选择通过合作伙伴登录。
SB-3018 =
    .title = 无法从这里打开该页面
    .advice = 合作伙伴网站上的链接指向了未经约定的页面。请直接打开该服务，并告知您的合作伙伴。
SB-3019 =
    .title = 无法向该服务说明您的身份
    .advice = 合作伙伴的记录里缺少该服务识别用户所需的信息，例如邮箱地址。请联系合作伙伴补全。
SB-3020 =
    .title = 该服务要求您重新登录
    .advice = 为了您的安全，该服务要求重新登录，但合作伙伴的网站没有让您重新登录。请在那里退出并重新登录，然后重新开始。
SB-3021 =
    .title = 此处同时开始的登录过多
    .advice = 您所在的网络在几分钟内开始了大量登录，因此我们暂停片刻。请等待几分钟后重试。{ -report }

## SB-4…：进入云服务

SB-4001 =
    .title = 无法从这里打开该云服务页面
    .advice = 链接指向的页面不在云服务的许可范围内。请直接打开云控制台，并把下方的信息发给合作伙伴的客服。
SB-4002 =
    .title = 您的某项资料不符合云服务的要求
    .advice = 您的姓名、手机号或邮箱不符合云服务的规则。请在合作伙伴网站检查这些资料，或联系合作伙伴的客服。
SB-4003 =
    .title = 请从该服务自己的页面进入
    .advice = 请打开该服务，并在那里选择登录。如果您认为这里应有入口，请联系合作伙伴的客服。
SB-4101 =
    .title = 无法读取云平台的通知
    .advice = 您的云账号不受影响。{ -again }{ -report }
SB-4102 =
    .title = 这条通知不是云平台发出的
    .advice = 其签名不属于任何已知的云平台，因此未做任何更改。{ -again }{ -report }
SB-4103 =
    .title = 这条通知不在预期之内
    .advice = 可能是重新打开了旧页面，未做任何更改。{ -again }
SB-4104 =
    .title = 您的云账号需要我们核实
    .advice = 云平台给出的账号与我们记录的不一致。为避免您进入他人的账号，已在此停止。{ -report }
SB-4105 =
    .title = 正在为您创建云账号
    .advice = 最多需要一分钟，请稍后再试，无需重新填写。
SB-4106 =
    .title = 已有云账号
    .advice = 无需再次创建。{ -again }
SB-4107 =
    .title = 您在云平台的标识发生了变化
    .advice = 合作伙伴网站这次给出的标识与以前不同。请把下方的信息发给合作伙伴的客服。
SB-4108 =
    .title = 该标识属于其他客户
    .advice = 合作伙伴网站给出的标识与其他客户相同，已在此停止。请把下方的信息发给合作伙伴的客服。
SB-4109 =
    .title = 尚无此客户
    .advice = 客户首次点击或由您为其创建账号后，即可在此查到。
SB-4110 =
    .title = 正在与云平台核实
    .advice = 最多需要一刻钟，您无需等待。{ -again }

SB-4111 =
    .title = 这个云账号已在别处关联
    .advice = 它已与另一合作伙伴的客户关联。请改用其他账号，或把下方的信息发给合作伙伴的客服。

## SB-5…：本网关

SB-5001 =
    .title = 暂时无法登录
    .advice = 我们的一部分服务没有响应。您的数据不受影响，请过一分钟再试。
SB-5002 =
    .title = 当前访问人数较多
    .advice = 同时登录的人比平时多。请过几秒钟再试。
SB-5003 =
    .title = 我们这边出了点问题
    .advice = 情况已记录下来，请重试一次。{ -report }
SB-5004 =
    .title = 这个入口尚未就绪
    .advice = 我们还在准备，请稍后再试。{ -report }
SB-5005 =
    .title = 这个地址上没有内容
    .advice = 请检查网址，或从合作伙伴网站打开云控制台。
SB-5006 =
    .title = 这个地址不能这样使用
    .advice = 它不支持这种打开方式。{ -again }
SB-5007 =
    .title = 一次发送的内容过多
    .advice = 发送的内容超过了这个地址的上限，请减少后再试。
SB-5008 =
    .title = 我们处理得太久了
    .advice = 为了不让您白等，我们停了下来。请过一分钟再试。

## SB-6…：合作伙伴接口（工程师阅读）

SB-6001 =
    .title = API 密钥缺失或不正确
    .advice = 请在请求中携带该合作伙伴的有效 API 密钥。
SB-6002 =
    .title = 无法读取请求体
    .advice = 请按接口文档发送 JSON。
SB-6003 =
    .title = 字段缺失或超出范围
    .advice = 请对照接口文档检查请求中的字段。
SB-6004 =
    .title = 这个幂等键已用于其他请求
    .advice = 请原样重发第一次的请求，或为新的请求换一个幂等键。
SB-6005 =
    .title = 幂等键缺失或无法使用
    .advice = 请按接口文档，为每个请求附上自行生成的幂等键。
SB-6006 =
    .title = 该 API 密钥无权进行此调用
    .advice = 请改用具有所需权限范围的密钥，或请网关运维人员添加该权限。
SB-6007 =
    .title = 没有此标识的失败消息
    .advice = 请先列出投递失败的消息。已送达或仍在等待的消息不会重新发送。
SB-6008 =
    .title = 服务提供者的元数据无法使用
    .advice = 请按检查结果逐项修正，或将其转交该服务提供者的管理员。
SB-6009 =
    .title = 该服务提供者在配置文件中声明
    .advice = 请联系本平台的运营人员在配置文件中修改。
SB-6010 =
    .title = 没有这个服务提供者
    .advice = 请逐字核对 entityID。在地址中须进行百分号编码。
SB-6011 =
    .title = 该服务提供者正在被他人修改
    .advice = 请查看当前的注册内容，然后重试。

## SB-61…：云侧对新客户的答复

SB-6101 =
    .title = 账号名已被使用
    .advice = 请为账号换一个名称。
SB-6102 =
    .title = 账号名不可用
    .advice = 请使用 5 至 32 位字母、数字、下划线或连字符，并以字母开头。
SB-6103 =
    .title = 该联系方式已被使用
    .advice = 请换一个手机号或邮箱，或关联您已有的账号。
SB-6104 =
    .title = 该联系方式不可用
    .advice = 请检查手机号或邮箱地址。
SB-6105 =
    .title = 密码不符合要求
    .advice = 请使用至少 8 位、包含两种字符的密码，且不含账号名、手机号或邮箱。
SB-6106 =
    .title = 验证码已过期
    .advice = 请重新获取验证码，并在十分钟内输入。
SB-6107 =
    .title = 验证码不正确
    .advice = 请与您收到的消息核对。
SB-6108 =
    .title = 验证码尝试次数过多
    .advice = 请重新获取验证码。
SB-6109 =
    .title = 获取验证码过于频繁
    .advice = 请等待几分钟后再获取。
SB-6110 =
    .title = 验证码未能发送
    .advice = 请过一分钟再试。
SB-6111 =
    .title = 该联系方式已被云侧报备
    .advice = 请换一个手机号或邮箱，或联系合作伙伴的客服。
SB-6112 =
    .title = 云侧已有这位客户
    .advice = 请联系合作伙伴的客服核实。
SB-6113 =
    .title = 合作伙伴暂时不能创建客户
    .advice = 合作伙伴的管理员可以在云的伙伴中心查看原因。
SB-6114 =
    .title = 合作伙伴在云侧的权限不足
    .advice = 合作伙伴的管理员可以为此处使用的密钥或用户增加权限。
SB-6115 =
    .title = 云侧不接受我们的凭证
    .advice = { -report }
SB-6116 =
    .title = 云侧无法理解我们的请求
    .advice = { -report }
SB-6117 =
    .title = 云侧繁忙
    .advice = 请过一分钟再试。
SB-6118 =
    .title = 云侧没有应答
    .advice = 请过几分钟再试。
SB-6119 =
    .title = 云侧的答复无法使用
    .advice = { -report }
SB-6120 =
    .title = 云侧尚未确认账号
    .advice = 您的操作没有丢失。我们会继续查询，请过几分钟再来。
SB-6121 =
    .title = 此处无法创建账号
    .advice = 该平台尚未配置自动创建云账号的功能，请联系其运营人员。
SB-6122 =
    .title = 没有这项创建任务
    .advice = 请检查编号。编号在创建任务开始时的响应中给出。
SB-6123 =
    .title = 请先同意云平台的文件
    .advice = 请阅读用户协议和隐私政策声明，并勾选同意。