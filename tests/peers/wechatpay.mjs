// wechatpay-axios-plugin as the merchant, in certificate mode or in public-key mode.
import { createHash } from 'node:crypto';
import { Aes, Formatter, Rsa, Wechatpay } from 'wechatpay-axios-plugin';
import { done, listening, scanAndPay, task } from './buyer.mjs';

const { merchant } = task;
const client = (serial, privateKey) => new Wechatpay({
  baseURL: `${task.gateway}/`,
  mchid: merchant.mchid,
  serial: merchant.serial,
  privateKey,
  certs: { [serial]: task.keys[serial] },
  headers: { 'Wechatpay-Serial': serial },
}).v3;
const refusal = (call) => call.then(() => null, ({ response }) => [response?.status, response?.data?.code]);

const run = async (serial) => {
  const v3 = client(serial, merchant.privateKey);
  const heard = await listening(204);
  const order = (number, total) => ({
    appid: merchant.appid, mchid: merchant.mchid, description: '物业费/三月', out_trade_no: number,
    notify_url: heard.url, amount: { total, currency: 'CNY' },
  });
  const number = `axios${serial.slice(-8)}`;
  const opened = await v3.pay.transactions.native.post(order(number, 1234));
  const again = await v3.pay.transactions.native.post(order(number, 1234));
  const changed = await refusal(v3.pay.transactions.native.post(order(number, 1235)));
  const query = (out_trade_no) => v3.pay.transactions.outTradeNo._out_trade_no_
    .get({ params: { mchid: merchant.mchid }, out_trade_no });
  const before = (await query(number)).data.trade_state;
  await scanAndPay(opened.data.code_url);
  const { headers, body } = await heard.next();
  const [stamp, nonce, signature] = ['timestamp', 'nonce', 'signature'].map((name) => headers[`wechatpay-${name}`]);
  const verified = Rsa.verify(
    Formatter.response(stamp, nonce, body), signature, Rsa.from(task.keys[headers['wechatpay-serial']], 'public'),
  );
  const { resource } = JSON.parse(body);
  const told = JSON.parse(Aes.AesGcm.decrypt(resource.ciphertext, task.apiKey, resource.nonce, resource.associated_data));
  const paid = (await query(number)).data;
  const paidAgain = await refusal(v3.pay.transactions.native.post(order(number, 1234)));
  const refund = (refunded) => v3.refund.domestic.refunds.post({
    out_trade_no: number, out_refund_no: `${number}r`, reason: '重复', amount: { refund: refunded, total: 1234, currency: 'CNY' },
  });
  const refunding = (await refund(234)).data.status;
  const refundChanged = await refusal(refund(235));
  const refunded = (await v3.refund.domestic.refunds._out_refund_no_.get({ out_refund_no: `${number}r` })).data;
  await v3.pay.transactions.native.post(order(`${number}c`, 1));
  const closed = (await v3.pay.transactions.outTradeNo._out_trade_no_.close
    .post({ mchid: merchant.mchid }, { out_trade_no: `${number}c` })).status;
  const absent = await refusal(query(`${number}x`));
  const stranger = await refusal(client(serial, task.strangersKey).pay.transactions.native.post(order(`${number}s`, 1)));
  const { data: [sealed] } = (await v3.certificates.get()).data;
  const { ciphertext, nonce: iv, associated_data: aad } = sealed.encrypt_certificate;
  const certificate = Aes.AesGcm.decrypt(ciphertext, task.apiKey, iv, aad) === task.keys[sealed.serial_no];
  const bill = (await v3.bill.tradebill.get({ params: { bill_date: task.day, bill_type: 'ALL' } })).data;
  const { pathname, search } = new URL(bill.download_url);
  const file = await v3.billdownload.file.get({
    params: Object.fromEntries(new URLSearchParams(search)), responseType: 'arraybuffer', transformResponse: [(data) => data],
  });
  const { rows, summary } = Formatter.castCsvBill(Buffer.from(file.data));
  return {
    same: again.data.code_url === opened.data.code_url, changed, before, verified, paid: paid.trade_state,
    told: [told.out_trade_no, told.amount.total, told.transaction_id === paid.transaction_id], paidAgain, refunding,
    refundChanged, refunded: [refunded.status, refunded.amount.refund], closed, absent, stranger, certificate,
    bill: [pathname, createHash('sha1').update(Buffer.from(file.data)).digest('hex') === bill.hash_value, rows.length,
      rows[0]['商户订单号'], summary['订单总金额']],
  };
};

const results = [];
for (const serial of Object.keys(task.keys)) results.push(await run(serial));
done(results);
